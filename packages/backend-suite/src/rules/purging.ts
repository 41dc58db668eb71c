import assert from "node:assert/strict";
import { type Digest, digestOf, type Placement } from "@ocistore/core";
import { gather, utf8 } from "../bytes.ts";
import { failsWith, same } from "../expect.ts";
import { type Rule, rules } from "../rule.ts";
import { HOUR } from "../world.ts";

const ANYWHERE = { repository: undefined };

export const purgingRules: readonly Rule[] = [
  ...rules("purging", {
    "what is due is erased and forgotten": async (world) => {
      const image = await world.condemned("app");
      const { purged, revived } = await world.purge();
      same(
        purged,
        image.items.map(({ digest }) => digest),
      );
      assert.deepEqual(revived, []);
      assert.deepEqual(await world.condemnedDigests(), []);
      assert.deepEqual(await world.stored(), []);
      assert.deepEqual((await world.purge()).batches, [], "there was nothing left to erase");
    },
    "what is not due stays": async (world) => {
      const { env } = world;
      const image = await world.condemned("app", { until: env.now() + HOUR });
      assert.deepEqual((await world.purge()).batches, []);
      env.advance(HOUR);
      same(
        (await world.purge()).purged,
        image.items.map(({ digest }) => digest),
      );
    },
    "a run is purged without the others": async (world) => {
      const one = await world.condemned("one", { run: "run-1" });
      const two = await world.condemned("two", { run: "run-2" });
      same(
        (await world.purge({ run: "run-2" })).purged,
        two.items.map(({ digest }) => digest),
      );
      same(
        await world.condemnedDigests(),
        one.items.map(({ digest }) => digest),
      );
    },
    "no more than the limit go": async (world) => {
      await world.condemned("app");
      const first = (await world.purge({ limit: 1 })).purged;
      assert.equal(first.length, 1);
      assert.equal((await world.condemnedDigests()).length, 2);
      assert.equal((await world.purge({ limit: 2 })).purged.length, 2);
    },
    "nothing goes while a manifest that names it is still there": async (world) => {
      const { catalog, repository } = world;
      const [one, two] = [await world.image("one"), await world.image("two")];
      const inner = await world.index([one], {});
      const outer = await world.index([inner, two], { tags: ["v1"] });
      const images = [one, two, inner, outer];
      const drops = images.map(({ digest }) => ({ do: "drop", manifest: digest }) as const);
      await catalog.change(repository, [{ do: "untag", name: "v1" }, ...drops], { run: "run" });
      const items = images.flatMap((image) => image.items);
      same(
        await world.condemn([...items].reverse()),
        items.map(({ digest }) => digest),
      );
      const { batches } = await world.purge();
      const round = (digest: Digest) => batches.findIndex((batch) => batch.includes(digest));
      for (const { digest, record } of images) {
        for (const { to } of record.edges) {
          assert.ok(round(digest) >= 0 && round(digest) < round(to), "a manifest went after what it names, or with it");
        }
      }
    },
    "what is only due before its manifest waits for it": async (world) => {
      const { env } = world;
      const image = await world.removed("app");
      const [manifest, ...blobs] = image.items;
      await world.condemn([manifest!], { until: env.now() + HOUR });
      await world.condemn(blobs);
      assert.deepEqual((await world.purge()).purged, []);
      env.advance(HOUR);
      same(
        (await world.purge()).purged,
        image.items.map(({ digest }) => digest),
      );
    },
    "a failure to erase is reported as it was, and loses nothing": async (world) => {
      const image = await world.condemned("app");
      const error = new Error("the disk is on fire");
      const purging = world.purge({ during: () => Promise.reject(error) });
      await failsWith(error, purging);
      same(
        await world.condemnedDigests(),
        image.items.map(({ digest }) => digest),
      );
      same(
        (await world.purge()).purged,
        image.items.map(({ digest }) => digest),
      );
      assert.deepEqual(await world.stored(), []);
    },
    "a purge that died after it had erased is finished by the next": async (world) => {
      const image = await world.condemned("app");
      const died = new Error("killed");
      const purging = world.catalog.purge(
        async (placements) => {
          await world.erase(placements);
          throw died;
        },
        { due: world.env.now(), limit: 100 },
      );
      await failsWith(died, purging);
      await world.purge();
      assert.deepEqual(await world.condemnedDigests(), []);
      assert.deepEqual(await world.stored(), []);
      const wanted = image.items.map(({ digest }) => digest);
      const answer = await world.catalog.claim("me", world.repository, wanted, { until: world.env.now() + HOUR });
      assert.equal(answer.size, 0);
    },
    "what a purge has erased before it died does not come back": async (world) => {
      const { blobs, catalog, env, repository } = world;
      const image = await world.condemned("app");
      const eraseAndDie = async (placements: readonly Placement[]) => {
        for await (const _ of blobs.delete(placements));
        throw "died";
      };
      await failsWith("died", catalog.purge(eraseAndDie, { due: env.now(), limit: 100 }));
      const answer = await catalog.claim("me", repository, [image.digest], { until: env.now() + HOUR });
      assert.equal(answer.size, 0);
      assert.deepEqual(await catalog.revive([image.digest]), []);
    },
    "new bytes of what a purge that died had marked are safe": async (world) => {
      const image = await world.condemned("app");
      await failsWith("died", world.purge({ during: () => Promise.reject("died") }));
      const again = await world.image("app", { tags: ["v1"] });
      assert.equal(again.digest, image.digest);
      await world.purge();
      for (const { digest } of again.items) assert.ok(await world.bytes(digest));
    },
    "what could not be erased stays condemned, with all that it names": async (world) => {
      const image = await world.condemned("app");
      const { purged } = await world.catalog.purge(async () => [], { due: world.env.now(), limit: 100 });
      assert.deepEqual(purged, []);
      same(
        await world.condemnedDigests(),
        image.items.map(({ digest }) => digest),
      );
      for await (const row of world.catalog.condemned()) assert.ok(await world.blobs.stat(row));
    },
    "whoever asks during a purge is told the truth": async (world) => {
      const { catalog, env, repository } = world;
      const image = await world.condemned("app");
      const wanted = image.items.map(({ digest }) => digest);
      let late: ReturnType<typeof catalog.claim> | undefined;
      const { purged } = await world.purge({
        during: async () => {
          late ??= catalog.claim("late", repository, wanted, { until: env.now() + 9 * HOUR });
          // Some catalogs answer at once, others when the purge has ended; neither may be made to wait for the other.
          await Promise.race([late, env.sleep(1)]);
        },
      });
      const held = await late!;
      await world.purge();
      for (const digest of wanted) {
        if (!held.has(digest)) continue;
        assert.ok(!purged.includes(digest), "a claim was granted on what was erased");
        const located = await catalog.locate(repository, digest);
        assert.ok(located && (await gather(world.blobs.read(located))).length === located.size);
      }
    },
  }),
  ...rules("reviving", {
    "a manifest comes back with all that it names": async (world) => {
      const { catalog, env } = world;
      const child = await world.image("child");
      const index = await world.index([child], { tags: ["v1"] });
      const steps = [index, child].map(({ digest }) => ({ do: "remove", manifest: digest }) as const);
      await catalog.change(world.repository, steps, { run: "run" });
      const items = [...index.items, ...child.items];
      same(
        await world.condemn(items, { until: env.now() + HOUR }),
        items.map(({ digest }) => digest),
      );
      assert.deepEqual(await catalog.revive([index.digest]), [index.digest]);
      assert.deepEqual(await world.condemnedDigests(), []);
      env.advance(2 * HOUR);
      await world.purge();
      for (const { digest } of items) assert.ok(await world.bytes(digest, ANYWHERE));
    },
    "a blob comes back alone": async (world) => {
      const { catalog, env } = world;
      const image = await world.condemned("app", { until: env.now() + HOUR });
      const layer = image.layers[0]!.digest;
      assert.deepEqual(await catalog.revive([layer]), [layer]);
      same(
        await world.condemnedDigests(),
        image.items.map(({ digest }) => digest).filter((digest) => digest !== layer),
      );
      assert.deepEqual(await world.bytes(layer, ANYWHERE), utf8("layer of app"));
    },
    "what is gone or was never there does not": async (world) => {
      const image = await world.condemned("app");
      await world.purge();
      assert.deepEqual(await world.catalog.revive([image.digest, digestOf(utf8("absent"))]), []);
      assert.deepEqual(await world.catalog.revive([]), []);
    },
  }),
];
