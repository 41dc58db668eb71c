import { describe, expect, test } from "vitest";
import type { Descriptor } from "../../src/index.ts";
import { all, contents, image, index, open } from "../gc/support.ts";

// The table of research/protocol.md §3, one row a test, through the store: what is done, and which texts are left.

type App = Awaited<ReturnType<typeof open>>["app"];
const machineryTag = ({ digest }: Descriptor) => digest.replace(":", "-");

const rows: readonly {
  readonly name: string;
  readonly world: (app: App) => Promise<unknown>;
  readonly remove: readonly string[];
  readonly left: readonly string[];
  readonly tags?: readonly string[];
}[] = [
  {
    name: "an image with one tagged signature: all stays, the tag alone goes",
    world: async (app) => {
      const subject = await image(app, ["image"], { tags: ["v1"] });
      await image(app, ["signature"], { subject, tags: ["signature"] });
      await image(app, ["other signature"], { subject });
    },
    remove: ["v1"],
    left: ["image", "other signature", "signature"],
    tags: ["signature"],
  },
  {
    name: "an image with an untagged signature: both go",
    world: async (app) => {
      const subject = await image(app, ["image"], { tags: ["v1"] });
      await image(app, ["signature"], { subject });
    },
    remove: ["v1"],
    left: [],
  },
  {
    name: "an image whose signature came first: both go",
    world: async (app) => {
      const subject = await image((await open()).app, ["image"]);
      await image(app, ["signature"], { subject });
      await image(app, ["image"], { tags: ["v1"] });
    },
    remove: ["v1"],
    left: [],
  },
  {
    name: "an image with the index of a referrers tag: all go with the image",
    world: async (app) => {
      const subject = await image(app, ["image"], { tags: ["v1"] });
      const signature = await image(app, ["signature"], { subject });
      await index(app, [signature], { tags: [machineryTag(subject)] });
    },
    remove: ["v1"],
    left: [],
    tags: [],
  },
  ...[".sig", ".att", ".sbom"].map((form) => ({
    name: `an image with what cosign tags ${form}: all go with the image`,
    world: async (app: App) => {
      const subject = await image(app, ["image"], { tags: ["v1"] });
      await image(app, ["signature"], { tags: [`${machineryTag(subject)}${form}`] });
    },
    remove: ["v1"],
    left: [],
    tags: [],
  })),
  {
    name: "such a tag whose subject is not here is a tag like any other",
    world: async (app) => {
      const elsewhere = await image((await open()).app, ["elsewhere"]);
      await image(app, ["signature"], { tags: [`${machineryTag(elsewhere)}.sig`] });
      await image(app, ["image"], { tags: ["v1"] });
    },
    remove: ["v1"],
    left: ["signature"],
  },
  {
    name: "a referrers tag on an index of something else is a tag like any other",
    world: async (app) => {
      const subject = await image(app, ["image"], { tags: ["v1"] });
      const stranger = await image(app, ["stranger"]);
      await index(app, [stranger], { tags: [machineryTag(subject)] });
    },
    remove: ["v1"],
    left: ["stranger"],
  },
  {
    name: "a tagged index that holds a referrer as its child keeps the referrer, its subject, and that one's other referrers",
    world: async (app) => {
      const subject = await image(app, ["image"], { tags: ["v1"] });
      const signature = await image(app, ["signature"], { subject });
      await image(app, ["other signature"], { subject });
      await index(app, [signature], { tags: ["bundle"] });
    },
    remove: ["v1"],
    left: ["image", "other signature", "signature"],
  },
  {
    name: "a referrer of a layer is no referrer of the images that have it, and goes by itself",
    world: async (app) => {
      const pushed = await image(app, ["layer"], { tags: ["v1"] });
      const [layer] = (await app.manifest(pushed)).layers;
      await image(app, ["about the layer"], { subject: layer!, tags: ["about"] });
    },
    remove: ["about"],
    left: ["layer"],
  },
  {
    name: "a layer that is a subject lives by its referrer, without the image",
    world: async (app) => {
      const pushed = await image(app, ["layer", "another layer"], { tags: ["v1"] });
      const [layer] = (await app.manifest(pushed)).layers;
      await image(app, ["about the layer"], { subject: layer!, tags: ["about"] });
    },
    remove: ["v1"],
    left: ["about the layer", "layer"],
  },
  {
    name: "an index over untagged children: all go (the question that started this)",
    world: async (app) => {
      await index(app, [await image(app, ["amd64"]), await image(app, ["arm64"])], { tags: ["latest"] });
    },
    remove: ["latest"],
    left: [],
  },
  {
    name: "two untagged indexes that share a child: the child stays until both have gone",
    world: async (app) => {
      const shared = await image(app, ["shared"]);
      await index(app, [shared, await image(app, ["one"])], { tags: ["one"] });
      await index(app, [shared, await image(app, ["two"])]);
    },
    remove: ["one"],
    left: ["shared", "two"],
  },
  {
    name: "an untagged referrer whose subject is absent is a root",
    world: async (app) => {
      const subject = await image((await open()).app, ["elsewhere"]);
      await image(app, ["signature"], { subject });
      await image(app, ["image"], { tags: ["v1"] });
    },
    remove: ["v1"],
    left: ["signature"],
  },
  {
    name: "an index that nests an index that nests an image: all go",
    world: async (app) => {
      await index(app, [await index(app, [await image(app, ["leaf"])])], { tags: ["top"] });
    },
    remove: ["top"],
    left: [],
  },
  {
    name: "one manifest with two tags: it goes with the second",
    world: (app) => image(app, ["image"], { tags: ["a", "b"] }),
    remove: ["a"],
    left: ["image"],
    tags: ["b"],
  },
  {
    name: "pushed by digest, tagged, and deleted: it does not stay for ever",
    world: async (app) => app.tag(await image(app, ["image"]), "v1"),
    remove: ["v1"],
    left: [],
  },
  {
    name: "pushed by digest and never named: it stays",
    world: async (app) => {
      await image(app, ["image"]);
      await image(app, ["other"], { tags: ["other"] });
    },
    remove: ["other"],
    left: ["image"],
  },
];

describe("what a deletion leaves, and a collection after it finds nothing more", () => {
  test.each(rows)("$name", async ({ world, remove, left, tags }) => {
    const { store, app } = await open();
    await world(app);
    await app.delete(remove);
    const texts = (await contents(store)).filter((text) => !text.startsWith("sha256:") && text !== "{}");
    expect(texts).toEqual(left);
    if (tags) expect((await all(app.tags())).map(({ name }) => name)).toEqual(tags);
    expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 0, kept: [] });
  });
});

test("untag and collect end in the same as a deletion", async () => {
  const { store, app } = await open();
  const child = await image(app, ["child"]);
  await image(app, ["signature"], { subject: child });
  await index(app, [child], { tags: ["latest"] });
  await app.untag("latest");
  await store.collect({ grace: 0 });
  expect(await contents(store)).toEqual([]);
});

test("own is not worked out again: a child whose index is gone is garbage, not a root", async () => {
  const { store, app } = await open();
  const child = await image(app, ["child"]);
  expect((await all(store.roots())).map(({ why }) => why)).toEqual(["own"]);
  await index(app, [child], { tags: ["latest"] });
  expect((await all(store.roots())).map(({ why }) => why)).toEqual(["tag"]);
  await app.untag("latest");
  expect(await all(store.roots())).toEqual([]);
});

test("what stays and is named is refused by digest, with who holds it", async () => {
  const { app } = await open();
  const child = await image(app, ["child"]);
  const top = await index(app, [child], { tags: ["latest"] });
  await expect(app.planDelete(child)).rejects.toMatchObject({
    code: "IN_USE",
    data: { digest: child.digest, holders: [`${top.digest} in app`, "tag latest in app"] },
  });
  await expect(app.delete([child, top])).resolves.toMatchObject({ removed: 3 });
});

test("the digest of a blob is no manifest to delete", async () => {
  const { app } = await open();
  const pushed = await image(app, ["layer"], { tags: ["v1"] });
  const [layer] = (await app.manifest(pushed)).layers;
  await expect(app.planDelete(layer!)).rejects.toMatchObject({ code: "NOT_FOUND" });
});
