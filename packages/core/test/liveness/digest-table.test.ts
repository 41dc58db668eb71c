import { expect, test } from "vitest";
import { DigestTable } from "../../src/liveness/digest-table.ts";
import { NodeTable } from "../../src/liveness/node-table.ts";
import { type Digest, digestOf } from "../../src/model/index.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("a digest has one number and comes out as it went in, of whichever algorithm, through all growth", () => {
  const table = new DigestTable();
  const digests: Digest[] = [];
  for (let n = 0; n < 3000; n++) {
    digests.push(digestOf(bytes(`${n}`)));
    if (n % 100 === 0) digests.push(digestOf(bytes(`${n}`), "sha512"), `foreign:${n}` as Digest);
  }
  expect(digests.map((digest) => table.id(digest))).toEqual(digests.map((_, at) => at));
  expect(digests.map((digest) => table.id(digest))).toEqual(digests.map((_, at) => at));
  expect(digests.map((_, at) => table.digest(at))).toEqual(digests);
  expect(table.size).toBe(digests.length);
  expect(table.find(digestOf(bytes("another")))).toBeUndefined();
  expect(table.find(`sha256:${"G".repeat(64)}` as Digest)).toBeUndefined();
  expect(table.find(digestOf(bytes("7")).toUpperCase() as Digest)).toBeUndefined();
});

/** A change of the highest bit of one word that a change of the next takes back: all of these meet at one place. */
function meeting(): Digest[] {
  const words = Array.from({ length: 8 }, (_, at) => 0x01020304 * (at + 1));
  return Array.from({ length: 128 }, (_, choice) => {
    const changed = [...words];
    for (let at = 0; at < 7; at++) {
      if (((choice >> at) & 1) === 0) continue;
      changed[at]! ^= 0x80000000;
      changed[at + 1]! ^= 0x80010000;
    }
    return `sha256:${changed.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("")}` as Digest;
  });
}

test("digests that were made to meet are told apart all the same", () => {
  const table = new DigestTable();
  const digests = meeting();
  expect(new Set(digests).size).toBe(128);
  for (const digest of digests) table.id(digest);
  for (let n = 0; n < 2000; n++) table.id(digestOf(bytes(`${n}`)));
  expect(digests.map((digest) => table.find(digest))).toEqual(digests.map((_, at) => at));
  expect(digests.map((_, at) => table.digest(at))).toEqual(digests);
});

test("a digest is another node in each repository, and another as bytes", () => {
  const table = new NodeTable();
  const [a, b] = [digestOf(bytes("a")), digestOf(bytes("b"))];
  const nodes = [undefined, "", "app"].flatMap((repository) => [a, b].map((digest) => ({ repository, digest })));
  expect(nodes.map(({ repository, digest }) => table.id(repository, digest))).toEqual([0, 1, 2, 3, 4, 5]);
  expect(nodes.map(({ repository, digest }) => table.find(repository, digest))).toEqual([0, 1, 2, 3, 4, 5]);
  expect(nodes.map((_, id) => table.node(id))).toEqual(nodes);
  expect(table.find("other", a)).toBeUndefined();
  expect(table.bytesOf(5)).toBe(1);
  expect(table.beside(0, 5)).toBe(4);
});
