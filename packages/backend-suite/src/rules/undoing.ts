import assert from "node:assert/strict";
import { type Digest, manifestNode } from "@ocistore/core";
import { all, utf8 } from "../bytes.ts";
import { fails, same } from "../expect.ts";
import { type Rule, rules } from "../rule.ts";
import { HOUR, type Image, item, type World } from "../world.ts";

/** Takes an image out by its tags, as a deletion with a window does. */
async function takeOut(world: World, run: string, tags: readonly string[], ...images: readonly Image[]): Promise<void> {
  const { catalog, env, repository } = world;
  const until = env.now() + HOUR;
  const steps = images.map(({ digest }) => ({ do: "remove", manifest: digest, tags }) as const);
  await catalog.change(repository, [...tags.map((name) => ({ do: "untag", name }) as const), ...steps], { run, until });
  await world.condemn(
    images.flatMap(({ items }) => items),
    { run, until },
  );
}

const runsOf = async ({ catalog }: World) => (await all(catalog.runs())).map(({ run }) => run);

async function isWhole(world: World, image: Image): Promise<boolean> {
  const { catalog, repository } = world;
  const found = [await catalog.manifest(repository, image.digest)];
  for (const { digest } of image.items) found.push((await world.bytes(digest)) as never);
  return found.every((each) => each !== undefined);
}

async function rootsOf({ catalog, repository }: World, digest: Digest): Promise<string[]> {
  const graph = await catalog.graph();
  return (await graph.roots(manifestNode(repository, digest))).map(({ why, name }) => `${why} ${name ?? ""}`.trim());
}

export const undoingRules: readonly Rule[] = rules(
  "undoing",
  {
    "tag, manifest and bytes come back, and stay": async (world) => {
      const { catalog, env, repository } = world;
      const image = await world.image("app", { tags: ["v1"] });
      await takeOut(world, "run", ["v1"], image);
      assert.equal(await catalog.resolve(repository, "v1"), undefined);
      const undone = await catalog.undo("run");
      assert.deepEqual(undone.tags, [{ repository, name: "v1", digest: image.digest }]);
      same(
        undone.content,
        image.items.map(({ digest }) => digest),
      );
      assert.equal(await catalog.resolve(repository, "v1"), image.digest);
      assert.ok(await isWhole(world, image));
      assert.deepEqual(await world.condemnedDigests(), []);
      env.advance(5 * HOUR);
      await world.purge();
      assert.ok(await isWhole(world, image));
    },
    "all that went with it comes back as what it was": async (world) => {
      const child = await world.image("child");
      const index = await world.index([child], { tags: ["v1"] });
      const signature = await world.image("signature", { subject: index.descriptor });
      await takeOut(world, "run", ["v1"], index, child, signature);
      await world.catalog.undo("run");
      for (const each of [index, child, signature]) assert.ok(await isWhole(world, each));
      assert.deepEqual(await rootsOf(world, index.digest), ["tag v1"]);
      assert.deepEqual(await rootsOf(world, child.digest), []);
      assert.deepEqual(await rootsOf(world, signature.digest), []);
    },
    "what was a root of its own is one again": async (world) => {
      const image = await world.image("untagged");
      assert.deepEqual(await rootsOf(world, image.digest), ["own"]);
      await takeOut(world, "run", [], image);
      await world.catalog.undo("run");
      assert.deepEqual(await rootsOf(world, image.digest), ["own"]);
    },
    "children that were kept are no roots of their own any more": async (world) => {
      const { catalog, env, repository } = world;
      const child = await world.image("child");
      const index = await world.index([child], { tags: ["v1"] });
      const until = env.now() + HOUR;
      await catalog.change(
        repository,
        [
          { do: "keep", manifest: child.digest },
          { do: "untag", name: "v1" },
          { do: "remove", manifest: index.digest, tags: ["v1"] },
        ],
        { run: "run", until },
      );
      assert.deepEqual(await rootsOf(world, child.digest), ["own"]);
      await catalog.undo("run");
      assert.deepEqual(await rootsOf(world, child.digest), []);
      assert.equal(await catalog.resolve(repository, "v1"), index.digest);
    },
    "one of two tags comes back, where nothing else went": async (world) => {
      const { catalog, env, repository } = world;
      const image = await world.image("app", { tags: ["v1", "v2"] });
      await catalog.change(repository, [{ do: "untag", name: "v1" }], { run: "run", until: env.now() + HOUR });
      env.advance(HOUR / 2);
      await world.purge();
      assert.deepEqual(await runsOf(world), ["run"]);
      await catalog.undo("run");
      assert.equal(await catalog.resolve(repository, "v1"), image.digest);
      assert.equal(await catalog.resolve(repository, "v2"), image.digest);
    },
    "runs are listed with what they took, the latest first, until their time is over": async (world) => {
      const { catalog, env, repository } = world;
      const first = await world.image("first", { tags: ["v1"] });
      const second = await world.image("second", { tags: ["v2"] });
      assert.deepEqual(await runsOf(world), []);
      const at = env.now();
      await takeOut(world, "one", ["v1"], first);
      env.advance(HOUR / 2);
      await takeOut(world, "two", ["v2"], second);
      const listed = await all(catalog.runs());
      assert.deepEqual(
        listed.map(({ run }) => run),
        ["two", "one"],
      );
      const bytes = first.items.reduce((sum, { size }) => sum + size, 0);
      const one = listed[1]!;
      // A catalog that loses to another takes its time.
      assert.ok(one.at >= at && one.at <= one.until);
      assert.deepEqual([one.until, one.content, one.bytes], [at + HOUR, first.items.length, bytes]);
      assert.deepEqual(one.tags, [{ repository, name: "v1", digest: first.digest }]);
      assert.deepEqual(one.manifests, [{ repository, digest: first.digest }]);
      env.advance(HOUR * 0.7);
      await world.purge();
      assert.deepEqual(await runsOf(world), ["two"]);
    },
    "what is not there cannot be undone, and nothing can be undone twice": async (world) => {
      await fails(world.catalog.undo("run"), "NOT_FOUND");
      await takeOut(world, "run", ["v1"], await world.image("app", { tags: ["v1"] }));
      await world.catalog.undo("run");
      assert.deepEqual(await runsOf(world), []);
      await fails(world.catalog.undo("run"), "NOT_FOUND");
    },
    "a tag that is elsewhere by now is in the way, and then nothing changes": async (world) => {
      const { catalog, repository } = world;
      const image = await world.image("app", { tags: ["v1", "v2"] });
      await takeOut(world, "run", ["v1", "v2"], image);
      const other = await world.image("other", { tags: ["v1"] });
      await fails(catalog.undo("run"), "CONFLICT");
      assert.equal(await catalog.resolve(repository, "v1"), other.digest);
      assert.equal(await catalog.resolve(repository, "v2"), undefined);
      same(
        await world.condemnedDigests(),
        image.items.map(({ digest }) => digest),
      );
      assert.deepEqual(await runsOf(world), ["run"]);
    },
    "such a tag can be left where it is": async (world) => {
      const { catalog, repository } = world;
      const image = await world.image("app", { tags: ["v1"] });
      await takeOut(world, "run", ["v1"], image);
      const other = await world.image("other", { tags: ["v1"] });
      const undone = await catalog.undo("run", { moved: "leave" });
      assert.deepEqual(undone.left, [{ repository, name: "v1", digest: image.digest }]);
      assert.equal(await catalog.resolve(repository, "v1"), other.digest);
      assert.ok(await isWhole(world, image));
      assert.deepEqual(await rootsOf(world, image.digest), ["own"]);
    },
    "or be taken back": async (world) => {
      const { catalog, repository } = world;
      const image = await world.image("app", { tags: ["v1"] });
      await takeOut(world, "run", ["v1"], image);
      const other = await world.image("other", { tags: ["v1"] });
      await catalog.undo("run", { moved: "take" });
      assert.equal(await catalog.resolve(repository, "v1"), image.digest);
      assert.deepEqual(await rootsOf(world, other.digest), []);
    },
    "nor does a manifest come back whose own bytes alone have stayed": async (world) => {
      const { catalog, env, repository } = world;
      const image = await world.image("app", { tags: ["v1"] });
      const [, ...blobs] = image.items;
      const of = { run: "run", until: env.now() + HOUR };
      const steps = [
        { do: "untag", name: "v1" } as const,
        { do: "remove", manifest: image.digest, tags: ["v1"] } as const,
      ];
      await catalog.change(repository, steps, of);
      // Somebody was sending it again when the rest was condemned.
      await world.condemn(blobs, of);
      env.advance(2 * HOUR);
      await world.purge({ limit: 1 });
      await fails(catalog.undo("run"), "MISSING_CONTENT");
      assert.equal(await catalog.resolve(repository, "v1"), undefined);
    },
    "what has been erased does not come back by halves": async (world) => {
      const { catalog, env, repository } = world;
      const image = await world.image("app", { tags: ["v1"] });
      await takeOut(world, "run", ["v1"], image);
      env.advance(2 * HOUR);
      await world.purge({ limit: 1 });
      const left = await world.condemnedDigests();
      assert.equal(left.length, image.items.length - 1);
      await fails(catalog.undo("run"), "MISSING_CONTENT");
      same(await world.condemnedDigests(), left);
      assert.equal(await catalog.resolve(repository, "v1"), undefined);
      assert.equal(await catalog.manifest(repository, image.digest), undefined);
    },
    "unless it has been pushed again": async (world) => {
      const { catalog, env, repository } = world;
      const image = await world.image("app", { tags: ["v1"] });
      await takeOut(world, "run", ["v1"], image);
      env.advance(2 * HOUR);
      await world.purge({ limit: 1 });
      await world.image("app");
      await catalog.undo("run");
      assert.equal(await catalog.resolve(repository, "v1"), image.digest);
      assert.deepEqual(await rootsOf(world, image.digest), ["tag v1"]);
      assert.ok(await isWhole(world, image));
    },
    "what it needs comes back out of another run, too": async (world) => {
      const shared = await world.store("shared");
      const first = await world.image("first", { tags: ["v1"], layers: [shared] });
      const second = await world.image("second", { tags: ["v2"], layers: [shared] });
      await takeOut(world, "one", ["v1"], first);
      await takeOut(world, "two", ["v2"], { ...second, items: [...second.items, item(shared, "blob")] });
      assert.equal(await world.bytes(shared.digest), undefined);
      await world.catalog.undo("one");
      assert.deepEqual(await world.bytes(shared.digest), utf8("shared"));
      await world.catalog.undo("two");
      for (const each of [first, second]) assert.ok(await isWhole(world, each));
    },
    "what it needs is not erased before it": async (world) => {
      const shared = await world.store("shared");
      const first = await world.image("first", { tags: ["v1"], layers: [shared] });
      const second = await world.removed("second", { run: "two", layers: [shared] });
      await takeOut(world, "one", ["v1"], first);
      await world.condemn([...second.items, item(shared, "blob")], { run: "two" });
      const { purged } = await world.purge({ run: "two" });
      same(
        purged,
        second.items.map(({ digest }) => digest),
      );
      await world.catalog.undo("one");
      assert.ok(await isWhole(world, first));
      assert.deepEqual(await world.bytes(shared.digest), utf8("shared"));
    },
    "what was missing before does not stand in the way": async (world) => {
      const { catalog, repository } = world;
      const child = await world.image("child");
      const absent = await world.removed("absent", { run: "other" });
      await world.condemn(absent.items, { run: "other" });
      await world.purge({ run: "other" });
      const index = await world.index([child, absent], { tags: ["v1"], sparse: true });
      await takeOut(world, "run", ["v1"], index, child);
      await catalog.undo("run");
      assert.equal(await catalog.resolve(repository, "v1"), index.digest);
      assert.ok(await isWhole(world, child));
    },
    "what was done since stays, and so do pins": async (world) => {
      const { catalog, repository } = world;
      const pinned = await world.image("pinned", { tags: ["p"] });
      const image = await world.image("app", { tags: ["v1"] });
      await catalog.change(repository, [{ do: "pin", name: "hold", digest: pinned.digest }]);
      await takeOut(world, "run", ["v1"], image);
      const later = await world.image("later", { tags: ["v3"] });
      await catalog.change(repository, [{ do: "untag", name: "p" }]);
      await catalog.undo("run");
      assert.equal(await catalog.resolve(repository, "v3"), later.digest);
      assert.equal(await catalog.resolve(repository, "p"), undefined);
      assert.deepEqual(await rootsOf(world, pinned.digest), ["pin hold"]);
    },
    "another process can undo": async (world) => {
      const image = await world.image("app", { tags: ["v1"] });
      await takeOut(world, "run", ["v1"], image);
      await world.blobs.close();
      await world.catalog.close();
      const pair = await world.harness.reopen();
      await pair.catalog.undo("run");
      assert.equal(await pair.catalog.resolve(world.repository, "v1"), image.digest);
      assert.ok(await isWhole(world.through(pair), image));
    },
  },
  "window",
);

export const ageingRules: readonly Rule[] = rules("ageing", {
  "a tag that a rule has judged goes if it is where it was": async (world) => {
    const { catalog, repository } = world;
    const image = await world.image("app", { tags: ["v1", "v2"] });
    const other = await world.image("other", { tags: ["v3"] });
    await catalog.change(repository, [
      { do: "expire", name: "v1", on: image.digest },
      { do: "expire", name: "v3", on: image.digest },
      { do: "expire", name: "v4", on: image.digest },
    ]);
    assert.equal(await catalog.resolve(repository, "v1"), undefined);
    assert.equal(await catalog.resolve(repository, "v2"), image.digest);
    assert.equal(await catalog.resolve(repository, "v3"), other.digest);
  },
  "no grace begins by that": async (world) => {
    const { catalog, env, repository } = world;
    const tagged = await world.image("tagged", { tags: ["v1"] });
    const untagged = await world.image("untagged");
    env.advance(5 * HOUR);
    const before = env.now() - HOUR;
    await catalog.change(
      repository,
      [
        { do: "expire", name: "v1", on: tagged.digest },
        { do: "disown", manifest: untagged.digest, before },
        { do: "drop", manifest: tagged.digest },
        { do: "drop", manifest: untagged.digest },
      ],
      { run: "run", before },
    );
    const items = [...tagged.items, ...untagged.items];
    same(
      await world.condemn(items, { before }),
      items.map(({ digest }) => digest),
    );
  },
  "the own mark goes for age, and not before it": async (world) => {
    const { catalog, env, repository } = world;
    const old = await world.image("old");
    env.advance(5 * HOUR);
    const young = await world.image("young");
    const before = env.now() - HOUR;
    await catalog.change(repository, [
      { do: "disown", manifest: old.digest, before },
      { do: "disown", manifest: young.digest, before },
    ]);
    assert.deepEqual(await rootsOf(world, old.digest), []);
    assert.deepEqual(await rootsOf(world, young.digest), ["own"]);
  },
  "a tag is no mark of its own": async (world) => {
    const { catalog, env, repository } = world;
    const image = await world.image("app", { tags: ["v1"] });
    env.advance(5 * HOUR);
    await catalog.change(repository, [{ do: "disown", manifest: image.digest, before: env.now() }]);
    assert.equal(await catalog.resolve(repository, "v1"), image.digest);
    assert.deepEqual(await rootsOf(world, image.digest), ["tag v1"]);
  },
});
