import assert from "node:assert/strict";
import { digestOf } from "@ocistore/core";
import { all, utf8 } from "../bytes.ts";
import { fails, same } from "../expect.ts";
import { type Rule, rules } from "../rule.ts";
import { HOUR } from "../world.ts";

export const removingRules: readonly Rule[] = [
  ...rules("removing", {
    "a manifest goes with all its tags, and with no other": async (world) => {
      const { catalog, repository } = world;
      const image = await world.image("app", { tags: ["v1", "v2", "latest"] });
      const other = await world.image("other", { tags: ["v3"] });
      const removed = await catalog.change(repository, [{ do: "remove", manifest: image.digest }], { run: "run" });
      assert.deepEqual(removed, [image.digest]);
      assert.deepEqual(await all(catalog.tags(repository)), [{ name: "v3", digest: other.digest }]);
      await world.condemn(image.items);
      assert.equal(await catalog.manifest(repository, image.digest), undefined);
      assert.ok(await catalog.manifest(repository, other.digest));
    },
    "what is not stored is NOT_FOUND": async ({ catalog, repository }) => {
      const manifest = digestOf(utf8("absent"));
      await fails(catalog.change(repository, [{ do: "remove", manifest }]), "NOT_FOUND");
      await fails(catalog.change(repository, [{ do: "keep", manifest }]), "NOT_FOUND");
      await fails(catalog.change(repository, [{ do: "unlink", blob: manifest }]), "NOT_FOUND");
      await fails(catalog.change(repository, [{ do: "pin", name: "p", digest: manifest }]), "NOT_FOUND");
    },
    "what a live index names is IN_USE, which names the index": async (world) => {
      const { catalog, repository } = world;
      const child = await world.image("child", { tags: ["child"] });
      const index = await world.index([child], { tags: ["v1"] });
      const error = await fails(catalog.change(repository, [{ do: "remove", manifest: child.digest }]), "IN_USE");
      assert.ok(error.data.holders?.includes(index.digest));
      assert.equal(await catalog.resolve(repository, "child"), child.digest);
      assert.ok(await catalog.manifest(repository, child.digest));
    },
    "with tags given, a tag that was not expected holds it": async (world) => {
      const { catalog, repository } = world;
      const image = await world.image("app", { tags: ["v1", "v2"] });
      const remove = (tags: readonly string[]) =>
        catalog.change(repository, [{ do: "remove", manifest: image.digest, tags }]);
      const error = await fails(remove(["v1"]), "IN_USE");
      assert.ok(error.data.holders?.some((holder) => holder.includes("v2")));
      assert.equal(await catalog.resolve(repository, "v1"), image.digest);
      assert.deepEqual(await remove(["v1", "v2"]), [image.digest]);
      assert.deepEqual(await all(catalog.tags(repository)), []);
    },
    "an index and its child may go in one step, in any order": async (world) => {
      const { catalog, repository } = world;
      for (const order of [0, 1]) {
        const child = await world.image(`child ${order}`);
        const index = await world.index([child], { tags: ["v1"] });
        const steps = [child, index].map(({ digest }) => ({ do: "remove", manifest: digest }) as const);
        same(await catalog.change(repository, order ? steps : steps.reverse()), [child.digest, index.digest]);
      }
    },
    "what is pinned or claimed is IN_USE, which names who holds it": async (world) => {
      const { catalog, repository, env } = world;
      const image = await world.image("app", { tags: ["v1"] });
      const remove = () => catalog.change(repository, [{ do: "remove", manifest: image.digest }]);
      await catalog.change(repository, [{ do: "pin", name: "my-pin", digest: image.digest }]);
      const pinned = await fails(remove(), "IN_USE");
      assert.ok(pinned.data.holders?.some((holder) => holder.includes("my-pin")));
      await catalog.change(repository, [{ do: "unpin", name: "my-pin" }]);
      await catalog.claim("my-claim", repository, [image.digest], { until: env.now() + HOUR });
      const claimed = await fails(remove(), "IN_USE");
      assert.ok(claimed.data.holders?.some((holder) => holder.includes("my-claim")));
      await catalog.release("my-claim");
      assert.deepEqual(await remove(), [image.digest]);
    },
    "that it refers to a live subject does not protect what is removed": async (world) => {
      const { catalog, repository } = world;
      const image = await world.image("app", { tags: ["v1"] });
      const signature = await world.image("signature", { subject: image.descriptor });
      const removed = await catalog.change(repository, [{ do: "remove", manifest: signature.digest }]);
      assert.deepEqual(removed, [signature.digest]);
      assert.equal(await catalog.resolve(repository, "v1"), image.digest);
    },
    "a referrer goes with its own referrers, while what it refers to stays": async (world) => {
      const { catalog, repository } = world;
      const image = await world.image("app", { tags: ["v1"] });
      const note = await world.image("note", { subject: image.descriptor });
      const onNote = await world.image("on-note", { subject: note.descriptor });
      const removed = await catalog.change(repository, [
        { do: "remove", manifest: note.digest },
        { do: "drop", manifest: onNote.digest },
      ]);
      same(removed, [note.digest, onNote.digest]);
      await world.condemn([...note.items, ...onNote.items]);
      assert.equal(await catalog.manifest(repository, note.digest), undefined);
      assert.equal(await catalog.manifest(repository, onNote.digest), undefined);
      assert.equal(await catalog.resolve(repository, "v1"), image.digest);
    },
    "a referrer with a tag of its own holds its subject": async (world) => {
      const { catalog, repository } = world;
      const image = await world.image("app", { tags: ["v1"] });
      const signature = await world.image("signature", { subject: image.descriptor, tags: ["sig"] });
      const error = await fails(catalog.change(repository, [{ do: "remove", manifest: image.digest }]), "IN_USE");
      assert.ok(error.data.holders?.includes(signature.digest));
    },
    "drop takes what nothing keeps, and skips the rest silently": async (world) => {
      const { catalog, repository } = world;
      const [one, two] = [await world.image("one"), await world.image("two", { tags: ["two"] })];
      const index = await world.index([one, two], { tags: ["v1"] });
      const dropped = await catalog.change(repository, [
        { do: "drop", manifest: one.digest },
        { do: "drop", manifest: two.digest },
        { do: "remove", manifest: index.digest },
      ]);
      same(dropped, [one.digest, index.digest]);
      assert.equal(await catalog.resolve(repository, "two"), two.digest);
      assert.deepEqual(await catalog.change(repository, [{ do: "drop", manifest: two.digest }]), []);
    },
    "drop leaves alone what lost its last reason after `before`, and what that keeps": async (world) => {
      const { catalog, env, repository } = world;
      const child = await world.image("child");
      const index = await world.index([child], { tags: ["v1"] });
      env.advance(5 * HOUR);
      await catalog.change(repository, [{ do: "untag", name: "v1" }]);
      env.advance(HOUR);
      const drop = (before: number) =>
        catalog.change(
          repository,
          [index, child].map(({ digest }) => ({ do: "drop", manifest: digest }) as const),
          { before },
        );
      assert.deepEqual(await drop(env.now() - 2 * HOUR), []);
      assert.ok(await catalog.manifest(repository, child.digest));
      env.advance(2 * HOUR);
      same(await drop(env.now() - 2 * HOUR), [index.digest, child.digest]);
    },
    "keep makes a child a root of its own": async (world) => {
      const { catalog, repository } = world;
      const child = await world.image("child");
      const index = await world.index([child], { tags: ["v1"] });
      await catalog.change(
        repository,
        [
          { do: "keep", manifest: child.digest },
          { do: "remove", manifest: index.digest },
          { do: "drop", manifest: child.digest },
        ],
        { run: "run" },
      );
      const condemned = await world.condemn([...index.items, ...child.items]);
      assert.deepEqual(condemned, [index.digest]);
      assert.ok(await catalog.manifest(repository, child.digest));
    },
    "a blob that a manifest names is IN_USE, which names the manifest": async (world) => {
      const image = await world.image("app", { tags: ["v1"] });
      const blob = image.layers[0]!.digest;
      const error = await fails(world.catalog.change(world.repository, [{ do: "unlink", blob }]), "IN_USE");
      assert.ok(error.data.holders?.includes(image.digest));
    },
  }),
  ...rules("pins", {
    "a pin keeps what it is on, until it is taken away": async (world) => {
      const { catalog, repository } = world;
      const image = await world.image("app", { tags: ["v1"] });
      await catalog.change(repository, [
        { do: "pin", name: "p", digest: image.digest },
        { do: "untag", name: "v1" },
      ]);
      assert.deepEqual(
        (await all(catalog.pins(repository))).map(({ name, digest }) => [name, digest]),
        [["p", image.digest]],
      );
      assert.deepEqual(await world.condemn(image.items), []);
      await catalog.change(repository, [{ do: "unpin", name: "p" }]);
      same(
        await world.condemn(image.items),
        image.items.map(({ digest }) => digest),
      );
      await fails(catalog.change(repository, [{ do: "unpin", name: "p" }]), "NOT_FOUND");
    },
    "a pin runs out at its time": async (world) => {
      const { catalog, repository, env } = world;
      const image = await world.image("app", { tags: ["v1"] });
      const until = env.now() + HOUR;
      await catalog.change(repository, [
        { do: "pin", name: "p", digest: image.digest, until },
        { do: "untag", name: "v1" },
      ]);
      assert.equal((await all(catalog.pins(repository)))[0]?.until, until);
      env.advance(HOUR - 1);
      assert.deepEqual(await world.condemn(image.items), []);
      env.advance(2);
      same(
        await world.condemn(image.items),
        image.items.map(({ digest }) => digest),
      );
    },
  }),
];
