import type { Digest } from "@ocistore/core";
import { expect, onTestFinished, test } from "vitest";
import { openLayout } from "../../src/index.ts";
import { ForeignLayout, IMAGE, LAYER } from "../support/foreign-layout.ts";

// What a digest of an algorithm that nobody here knows names can never be stored, and may be named all the same.

const MD5 = "md5:5d41402abc4b2a76b9719d911017c592" as Digest;

async function opened(layout: ForeignLayout) {
  await layout.writeIndex();
  const store = await openLayout(layout.directory);
  onTestFinished(() => store.close());
  return { store, repository: store.repository() };
}

test("an image that names one is deleted and brought back, and the layout can be read in between", async () => {
  const layout = await ForeignLayout.make();
  layout.list(await layout.image("a", { layers: [{ mediaType: LAYER, digest: MD5, size: 5 }] }), "v1");
  const { store, repository } = await opened(layout);
  await repository.delete("v1", { window: 60_000 });
  expect(await repository.find("v1")).toBeUndefined();
  expect(await store.undo()).toMatchObject({ tags: [{ name: "v1" }] });
  expect(await repository.resolve("v1")).toMatchObject({ mediaType: IMAGE });
});

test.each(["delete", "untag"] as const)(
  "a tag on one goes by %s, and the layout can be read after it",
  async (verb) => {
    const layout = await ForeignLayout.make();
    layout.list(await layout.image("a"), "v1").list({ mediaType: IMAGE, digest: MD5, size: 5 }, "v2");
    const { store, repository } = await opened(layout);
    if (verb === "delete") await repository.delete("v2", { window: 60_000 });
    else await repository.untag("v2");
    expect(await repository.resolve("v1")).toMatchObject({ mediaType: IMAGE });
    expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 0 });
    if (verb === "untag") return;
    await store.undo();
    expect(await layout.listed()).toEqual(["v1", "v2"]);
  },
);
