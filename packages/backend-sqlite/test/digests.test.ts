import { ManualEnvironment } from "@ocistore/backend-suite";
import type { Digest } from "@ocistore/core";
import { expect, test } from "vitest";
import { pack, range, unpack } from "../src/digests.ts";

const hex = (length: number, begin = "") => begin.padEnd(length, "0");

const KNOWN = [`sha256:${hex(64)}`, `sha384:${hex(96, "ff")}`, `sha512:${hex(128, "0a")}`] as Digest[];

/** Others are allowed by the format, in text that hex does not hold; some stand between the known ones. */
const FOREIGN = [
  "blake3:00ff",
  "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8",
  "sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564",
  "sha2560:ab",
  "sha3:ab",
  "sha384x:AB",
  "sha5:zz",
  "z:1",
  "a:1",
] as Digest[];

const byText = (a: Digest, b: Digest) => (a < b ? -1 : 1);

function random(env: ManualEnvironment): Digest {
  const begin = Buffer.from(env.random(2)).toString("hex");
  return [
    `sha256:${hex(64, begin)}`,
    `sha384:${hex(96, begin)}`,
    `sha512:${hex(128, begin)}`,
    `sha256x:${begin}`,
    `sha4:${begin}`,
    `blake3:${begin}`,
    `zeta:${begin}`,
  ][Math.floor(env.chance() * 7)] as Digest;
}

test.each([...KNOWN, ...FOREIGN])("%s comes back as it was", (digest) => {
  expect(unpack(pack(digest))).toBe(digest);
});

test("a known algorithm takes one byte more than its hash, which is what makes the tables small", () => {
  expect(KNOWN.map((digest) => pack(digest).length)).toEqual([33, 49, 65]);
});

test("bytes that a database gives are read where they lie", () => {
  const bytes = pack(KNOWN[0]!);
  const page = Buffer.concat([Buffer.alloc(7, 9), bytes, Buffer.alloc(3, 9)]);
  expect(unpack(page.subarray(7, 7 + bytes.length))).toBe(KNOWN[0]);
});

test("packed they stand in the order of their texts, foreign ones among the known", () => {
  const env = new ManualEnvironment(7);
  const digests = [...KNOWN, ...FOREIGN, ...Array.from({ length: 500 }, () => random(env))];
  const byBytes = [...digests].sort((a, b) => Buffer.compare(pack(a), pack(b)));
  expect(byBytes).toEqual([...digests].sort(byText));
});

test("a range holds exactly what begins so", () => {
  const env = new ManualEnvironment(8);
  const digests = [...KNOWN, ...FOREIGN, ...Array.from({ length: 100 }, () => random(env))];
  const packed = digests.map((digest) => ({ digest, bytes: pack(digest) }));
  const stems = digests.flatMap((digest) => {
    const colon = digest.indexOf(":");
    return [2, 4].map((length) => digest.slice(0, colon + 1 + length));
  });
  for (const stem of [...new Set(stems)]) {
    const [first, last] = range(stem);
    const within = packed.filter(({ bytes }) => {
      return Buffer.compare(first, bytes) <= 0 && Buffer.compare(bytes, last) <= 0;
    });
    expect(
      within.map(({ digest }) => digest),
      stem,
    ).toEqual(digests.filter((digest) => digest.startsWith(stem)));
  }
});
