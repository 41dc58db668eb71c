import { cpSync, existsSync, readdirSync } from "node:fs";
import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { initLayout, openLayout, openLayoutParts } from "@ocistore/backend-fs";
import type { Store } from "@ocistore/core";
import { expect, test } from "vitest";
import { indexed, openIndexed, push, rootsOf, tagsOf } from "./support/layouts.ts";
import { temporary } from "./support/place.ts";

/** Layouts as other tools left them; the README beside them says how. */
const FIXTURES = fileURLToPath(new URL("../../../tooling/peers/fixtures", import.meta.url));
const TOOLS = readdirSync(FIXTURES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

async function answers(store: Store) {
  const { items, kept } = await store.planCollect({ grace: 0, adopt: true });
  const findings: string[] = [];
  // What is odd about index.json itself is for who decides by that.
  for await (const { code, digest } of store.check()) if (code !== "layout") findings.push(`${code} ${digest}`);
  const { live, garbage } = await store.usage();
  return {
    tags: await tagsOf(store),
    roots: await rootsOf(store),
    garbage: items.map(({ digest, size }) => `${digest} ${size}`).sort(),
    kept,
    findings: findings.sort(),
    usage: { live, garbage },
  };
}

test.each(TOOLS)("what %s has left is the same with a catalog as without", async (tool) => {
  const directory = join(temporary(), "layout");
  cpSync(join(FIXTURES, tool), directory, { recursive: true });
  const plain = await openLayout(directory, { readOnly: true });
  const before = await answers(plain);
  await plain.close();
  expect(Object.keys(before.tags)).not.toEqual([]);
  await indexed(directory);
  const { store, reports } = await openIndexed(directory);
  expect(await answers(store)).toEqual(before);
  expect(reports).toEqual([]);
});

test("times of arrival, pins, the policy and who the store is are taken over", async () => {
  const directory = join(temporary(), "layout");
  const policy = { grace: 5, window: 6, wait: 7, untagged: 8 };
  await initLayout(directory, { policy });
  const plain = await openLayout(directory);
  const { manifest, layer } = await push(plain, "a");
  await plain.repository().pin(layer.digest, "held");
  const identity = await plain.parts.catalog.identity();
  await plain.close();
  for (const { digest } of [manifest, layer]) await utimes(join(directory, "blobs", ...digest.split(":")), 1, 1);
  await indexed(directory);
  const { store } = await openIndexed(directory);
  expect(await store.policy()).toEqual(policy);
  expect(await store.parts.catalog.identity()).toBe(identity);
  expect(await rootsOf(store)).toEqual([`pin held ${layer.digest}`, `tag a ${manifest.digest}`]);
  expect(await store.parts.catalog.locate("", layer.digest)).toMatchObject({ since: 1000 });
  expect(await store.parts.catalog.manifest("", manifest.digest)).toMatchObject({ pushed: 1000 });
});

test("not while a session is open, nor while something waits in the trash, nor twice", async () => {
  const directory = join(temporary(), "layout");
  await initLayout(directory, { policy: { grace: 0, window: 3_600_000, wait: 0 } });
  const plain = await openLayout(directory);
  await push(plain, "a");
  const session = plain.repository().openSession("somebody");
  await session.putBlob({ stream: new Uint8Array(3) });
  await expect(indexed(directory)).rejects.toMatchObject({ code: "LOCKED", data: { holders: ["session somebody"] } });
  await session.end();
  await plain.repository().delete("a");
  await expect(indexed(directory)).rejects.toMatchObject({ code: "CONFLICT" });
  await plain.emptyTrash();
  await indexed(directory);
  await expect(indexed(directory)).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
  await plain.close();
});

test("whoever dies at it leaves the layout as it was, and the next one begins anew", async () => {
  const directory = join(temporary(), "layout");
  await initLayout(directory);
  const plain = await openLayout(directory);
  const { manifest } = await push(plain, "a");
  const { install, catalogPath } = await openLayoutParts(directory);
  let path = "";
  const died = install(async (each) => {
    path = each;
    throw new Error("killed");
  });
  await expect(died).rejects.toThrow("killed");
  expect(existsSync(catalogPath)).toBe(false);
  // As a process leaves it that had no chance to clear away.
  for (const suffix of ["", "-wal", "-shm"]) cpSync(join(directory, "index.json"), `${path}${suffix}`);
  await plain.repository().tag("a", "still");
  await plain.close();
  await indexed(directory);
  expect(readdirSync(join(directory, ".ocistore")).filter((name) => name.startsWith("catalog"))).toEqual([
    "catalog.db",
  ]);
  const { store } = await openIndexed(directory);
  expect(await tagsOf(store)).toEqual({ a: manifest.digest, still: manifest.digest });
});
