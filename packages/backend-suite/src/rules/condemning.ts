import assert from "node:assert/strict";
import { all, utf8 } from "../bytes.ts";
import { fails, same } from "../expect.ts";
import { type Rule, rules } from "../rule.ts";
import { HOUR, item } from "../world.ts";

export const condemningRules: readonly Rule[] = [
  ...rules("condemning", {
    "what nothing keeps is condemned, and listed as such": async (world) => {
      const image = await world.removed("app");
      const until = world.env.now() + HOUR;
      const digests = image.items.map(({ digest }) => digest);
      same(await world.condemn(image.items, { until }), digests);
      const listed = await all(world.catalog.condemned());
      same(
        listed.map(({ digest }) => digest),
        digests,
      );
      for (const row of listed) {
        const wanted = image.items.find(({ digest }) => digest === row.digest);
        assert.deepEqual([row.size, row.kind, row.run, row.until], [wanted?.size, wanted?.kind, "run", until]);
      }
      for (const { digest } of image.items) assert.equal(await world.catalog.locate(undefined, digest), undefined);
    },
    "it looks for itself, whatever the caller says: nothing live is taken": async (world) => {
      const { catalog, repository } = world;
      const shared = await world.store("shared");
      const tagged = await world.image("tagged", { tags: ["v1"], layers: [shared] });
      const child = await world.image("child");
      const index = await world.index([child], { tags: ["v2"] });
      const signature = await world.image("signature", { subject: child.descriptor });
      const subject = await world.image("subject");
      const referrer = await world.image("referrer", { subject: subject.descriptor, tags: ["v3"] });
      const untouched = await world.image("untouched");
      const images = [tagged, child, index, signature, subject, referrer, untouched];
      const everything = [item(shared, "blob"), ...images.flatMap(({ items }) => items)];
      assert.deepEqual(await world.condemn(everything), []);
      for (const { digest } of images) assert.ok(await catalog.manifest(repository, digest));
    },
    "of many it takes those that are dead, and no other": async (world) => {
      const shared = await world.store("shared");
      const kept = await world.image("kept", { tags: ["v1"], layers: [shared] });
      const dead = await world.removed("dead", { layers: [shared] });
      const taken = await world.condemn([...kept.items, item(shared, "blob"), ...dead.items]);
      same(
        taken,
        dead.items.map(({ digest }) => digest),
      );
      assert.deepEqual(await world.bytes(shared.digest), utf8("shared"));
    },
    "the second time there is nothing to do": async (world) => {
      const image = await world.removed("app");
      await world.condemn(image.items);
      assert.deepEqual(await world.condemn(image.items), []);
    },
    "what came or was lost after `before` is too young": async (world) => {
      const { env } = world;
      const image = await world.removed("app");
      env.advance(HOUR);
      assert.deepEqual(await world.condemn(image.items, { before: env.now() - 2 * HOUR }), []);
      same(
        await world.condemn(image.items, { before: env.now() - HOUR / 2 }),
        image.items.map(({ digest }) => digest),
      );
    },
    "the time of a manifest counts from the loss of its last reason": async (world) => {
      const { catalog, env, repository } = world;
      const image = await world.image("app", { tags: ["v1"] });
      env.advance(5 * HOUR);
      await catalog.change(repository, [{ do: "untag", name: "v1" }]);
      env.advance(HOUR);
      assert.deepEqual(await world.condemn(image.items, { before: env.now() - 2 * HOUR }), []);
      env.advance(2 * HOUR);
      const taken = await world.condemn(image.items, { before: env.now() - 2 * HOUR });
      same(
        taken,
        image.items.map(({ digest }) => digest),
      );
    },
    "old content under a young manifest is as young": async (world) => {
      const { catalog, env, repository } = world;
      const layer = await world.store("old layer");
      const first = await world.image("first", { tags: ["v1"], layers: [layer] });
      env.advance(5 * HOUR);
      await catalog.release("pusher");
      const young = await world.image("young", { tags: ["v2"], layers: [layer] });
      await catalog.change(repository, [{ do: "untag", name: "v2" }]);
      await catalog.change(repository, [{ do: "remove", manifest: first.digest }], { run: "run" });
      env.advance(HOUR);
      const before = env.now() - 2 * HOUR;
      assert.deepEqual(await world.condemn([item(layer, "blob"), ...young.items], { before }), []);
    },
    "bytes that the catalog has never heard of are taken in": async (world) => {
      const orphan = await world.orphan(utf8("orphan"));
      assert.deepEqual(await world.condemn([item(orphan, "blob")]), [orphan.digest]);
      assert.deepEqual((await world.purge()).purged, [orphan.digest]);
      assert.deepEqual(await world.stored(), []);
    },
    "a collector that another has followed is refused, and takes nothing": async (world) => {
      const { catalog, env } = world;
      const image = await world.removed("app");
      const first = await catalog.lease("collect", HOUR);
      env.advance(HOUR + 1);
      const second = await catalog.lease("collect", HOUR);
      assert.ok(first !== undefined && second !== undefined);
      await fails(world.condemn(image.items, { epoch: first }), "CONFLICT");
      assert.deepEqual(await world.condemnedDigests(), []);
      await world.condemn(image.items, { epoch: second });
      await fails(world.purge({ epoch: first }), "CONFLICT");
      same(
        await world.condemnedDigests(),
        image.items.map(({ digest }) => digest),
      );
      assert.equal((await world.purge({ epoch: second })).purged.length, image.items.length);
    },
  }),
  ...rules(
    "condemning",
    {
      "another copy than the planned one is left alone": async (world) => {
        const blob = await world.store("blob");
        await world.catalog.release("pusher");
        assert.deepEqual(await world.condemn([item({ ...blob, generation: `${blob.generation}0` }, "blob")]), []);
        assert.deepEqual(await world.condemn([item(blob, "blob")]), [blob.digest]);
      },
    },
    "generations",
  ),
];
