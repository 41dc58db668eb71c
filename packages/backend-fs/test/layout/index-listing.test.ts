import { readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, MEDIA_TYPES, packManifest, systemEnvironment } from "@ocistore/core";
import { expect, test } from "vitest";
import { initLayout, openLayout, openLayoutParts } from "../../src/index.ts";
import { temporaryDirectory } from "../support/foreign-layout.ts";

const A = digestOf(new TextEncoder().encode("a"));
const B = digestOf(new TextEncoder().encode("b"));
const listed = (size: number, own?: boolean) => ({ mediaType: MEDIA_TYPES.imageManifest, size, own });

async function layout() {
  const directory = join(await temporaryDirectory(), "layout");
  await initLayout(directory);
  const { listing, catalogPath } = await openLayoutParts(directory);
  return { directory, listing, catalogPath, index: join(directory, "index.json") };
}

test("what is not asked for goes, what is comes last, and what nobody understands stays to the letter", async () => {
  const { listing, index } = await layout();
  const entry = (digest: string, name?: string) => ({
    mediaType: MEDIA_TYPES.imageManifest,
    digest,
    size: 1,
    "x-field": [1],
    ...(name && { annotations: { "org.opencontainers.image.ref.name": name } }),
  });
  const foreign = { schemaVersion: 2, "x-tool": 1, manifests: [entry(A, "old"), { digest: "?" }, entry(A, "kept")] };
  await writeFile(index, JSON.stringify(foreign, undefined, 2));
  const before = await listing.read();
  expect(before.faults).toHaveLength(1);
  expect([...before.tags]).toEqual([
    ["old", A],
    ["kept", A],
  ]);
  const prepared = before.with({
    tags: new Map([["kept", A]]),
    manifests: new Map([
      [A, listed(1)],
      [B, listed(2, true)],
    ]),
  });
  expect(await prepared.write()).toBe(true);
  const after = await listing.read();
  expect(after.hash).toBe(prepared.hash);
  expect(after.manifests.get(B)?.own).toBe(true);
  const { manifests, ...rest } = JSON.parse(await readFile(index, "utf8"));
  expect(rest).toEqual({ schemaVersion: 2, "x-tool": 1 });
  expect(manifests).toEqual([{ digest: "?" }, entry(A, "kept"), expect.objectContaining({ digest: B, size: 2 })]);
});

test("one that says what is wanted stays as it is formatted, and one that has changed meanwhile is left alone", async () => {
  const { listing, index } = await layout();
  const text = `${JSON.stringify({ schemaVersion: 2, manifests: [] }, undefined, 2)}\n`;
  await writeFile(index, text);
  const before = await listing.read();
  expect(before.with({ tags: new Map(), manifests: new Map() }).hash).toBe(before.hash);
  const prepared = before.with({ tags: new Map([["a", A]]), manifests: new Map([[A, listed(1)]]) });
  await writeFile(index, text.trim());
  expect(await prepared.write()).toBe(false);
  expect(await readFile(index, "utf8")).toBe(text.trim());
});

test("the stamp is another one after each write, and none where a further write would not show", async () => {
  const { listing, index } = await layout();
  // However long it took to make the layout.
  await utimes(index, new Date(), new Date());
  expect(await listing.stamp()).toBeUndefined();
  await utimes(index, 1, 1);
  const before = await listing.stamp();
  expect(before).toEqual(expect.any(String));
  await utimes(index, 2, 2);
  expect(await listing.stamp()).not.toBe(before);
});

test("half of it is read again until it is whole, and refused if it stays so", async () => {
  const { directory, index } = await layout();
  const whole = await readFile(index);
  let pauses = 0;
  const sleep = async () => {
    if (++pauses === 3) await writeFile(index, whole);
  };
  const { listing } = await openLayoutParts(directory, { env: { ...systemEnvironment, sleep } });
  await writeFile(index, whole.subarray(0, 9));
  expect(await listing.read()).toMatchObject({ hash: digestOf(whole) });
  expect(pauses).toBe(3);
  await writeFile(index, whole.subarray(0, 9));
  await expect(listing.read()).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
});

test("a layout with a catalog is opened with that, by whoever had opened it before as well", async () => {
  const { directory, catalogPath } = await layout();
  const store = await openLayout(directory);
  await writeFile(catalogPath, "");
  await expect(openLayout(directory)).rejects.toMatchObject({ code: "UNSUPPORTED" });
  await expect(openLayout(directory, { readOnly: true })).rejects.toMatchObject({ code: "UNSUPPORTED" });
  const push = store.repository().session((session) => session.putManifest(packManifest({ artifactType: "test/a" })));
  await expect(push).rejects.toMatchObject({ code: "UNSUPPORTED" });
  expect((await openLayoutParts(directory)).hasCatalog).toBe(true);
});
