import { readFile, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Descriptor, packManifest } from "@ocistore/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { openLayout } from "../../src/index.ts";
import { bytes } from "../support/bytes.ts";
import { temporaryDirectory } from "../support/foreign-layout.ts";

/** A tagged manifest of a type that nobody knows, and the payload that it mentions. */
async function layoutOfUnknown() {
  const directory = join(await temporaryDirectory(), "layout");
  const store = await openLayout(directory, { create: true });
  const { payload, manifest } = await store.repository().session(async (session) => {
    const payload = await session.putBlob(bytes("the payload"));
    const json = bytes(JSON.stringify({ things: [payload.digest] }));
    const mediaType = "application/vnd.unknown+json";
    return { payload, manifest: await session.putManifest({ bytes: json, mediaType }, { tags: ["v1"] }) };
  });
  await store.close();
  const path = ({ digest }: Descriptor) => join(directory, "blobs", ...digest.split(":"));
  const anew = async () => {
    const opened = await openLayout(directory);
    onTestFinished(() => opened.close());
    return opened;
  };
  return { anew, payload, manifest, path };
}

const zeros = (path: string, size: number) => writeFile(path, new Uint8Array(size), { flag: "r+" });

test.each<[string, (path: string, size: number) => Promise<void>]>([
  ["empty", (path) => truncate(path, 0)],
  ["full of zeros", zeros],
])("what a live manifest of an unknown type names stays when its file is %s", async (_, damage) => {
  const { anew, payload, manifest, path } = await layoutOfUnknown();
  await damage(path(manifest), manifest.size);
  const store = await anew();
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 0, condemned: 0 });
  expect(await readFile(path(payload), "utf8")).toBe("the payload");
  const unreadable = [];
  for await (const { digest, error } of (await store.parts.catalog.graph()).unreadable())
    unreadable.push([digest, error]);
  expect(unreadable).toEqual([[manifest.digest, expect.objectContaining({ code: "CORRUPT" })]]);
});

test("nor does a process remember the damage once the file is whole again, though it has its size and its time", async () => {
  const { anew, payload, manifest, path } = await layoutOfUnknown();
  const whole = await readFile(path(manifest));
  const then = new Date("2001-09-09");
  await zeros(path(manifest), manifest.size);
  await utimes(path(manifest), then, then);
  const store = await anew();
  await store.parts.catalog.graph();
  await writeFile(path(manifest), whole, { flag: "r+" });
  await utimes(path(manifest), then, then);
  await store.collect({ grace: 0 });
  expect(await readFile(path(payload), "utf8")).toBe("the payload");
});

test("a plain file that the index lists is still no manifest, and stops nothing", async () => {
  const { anew, manifest, path } = await layoutOfUnknown();
  const store = await anew();
  await store.repository().session(async (session) => {
    const mediaType = "application/vnd.plain";
    await session.putManifest({ bytes: bytes("not JSON at all"), mediaType }, { tags: ["plain"] });
  });
  await store.repository().untag("v1");
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 2 });
  await expect(readFile(path(manifest))).rejects.toMatchObject({ code: "ENOENT" });
});

describe.each(["a pin", "an open session"])("an image that only %s holds", (who) => {
  async function held() {
    const directory = join(await temporaryDirectory(), "layout");
    const store = await openLayout(directory, { create: true });
    onTestFinished(() => store.close());
    const repository = store.repository();
    const { layer, image } = await repository.session(async (session) => {
      const layer = await session.putBlob(bytes("layer"));
      const packed = packManifest({ artifactType: "application/vnd.example", layers: [layer] });
      return { layer, image: await session.putManifest(packed, { tags: ["v1"] }) };
    });
    if (who === "a pin") await repository.pin(image, "kept");
    else await repository.openSession("holding").has([image.digest]);
    await repository.untag("v1");
    const path = ({ digest }: Descriptor) => join(directory, "blobs", ...digest.split(":"));
    const anew = async () => {
      const opened = await openLayout(directory);
      onTestFinished(() => opened.close());
      return opened;
    };
    return { anew, image, layer, path };
  }

  test.each<[string, (path: string, size: number) => Promise<void>]>([
    ["empty", (path) => truncate(path, 0)],
    ["full of zeros", zeros],
  ])("keeps all content while its file is %s", async (_, damage) => {
    const { anew, image, layer, path } = await held();
    await damage(path(image), image.size);
    const store = await anew();
    expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 0, condemned: 0 });
    expect(await readFile(path(layer), "utf8")).toBe("layer");
  });

  test("is no hindrance while it is whole, nor is a plain blob that is held beside it", async () => {
    const { anew, image } = await held();
    const store = await anew();
    const repository = store.repository();
    await repository.session(async (session) => {
      const plain = await session.putBlob(bytes("plain"));
      await repository.pin(plain, "plain");
      await session.putBlob(bytes("garbage"));
    });
    expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 1 });
    expect((await repository.manifest(image.digest)).layers).toHaveLength(1);
  });
});
