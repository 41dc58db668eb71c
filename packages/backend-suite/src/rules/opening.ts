import assert from "node:assert/strict";
import { all, utf8 } from "../bytes.ts";
import { fails, same } from "../expect.ts";
import { type Rule, rules } from "../rule.ts";
import { HOUR, item, type World } from "../world.ts";

async function reopened(world: World): Promise<World> {
  await world.catalog.close();
  await world.blobs.close();
  return world.through(await world.harness.reopen());
}

async function closed({ catalog, blobs }: World): Promise<void> {
  await catalog.close();
  await blobs.close();
}

export const openingRules: readonly Rule[] = [
  ...rules("opening", {
    "a store can do what was declared, neither more nor less": async ({ blobs, catalog, declared }) => {
      assert.deepEqual({ ...blobs.capabilities }, { ...declared.blobs });
      assert.deepEqual({ ...catalog.capabilities }, { ...declared.catalog });
    },
    "closing twice is harmless": async ({ blobs, catalog }) => {
      for (let i = 0; i < 2; i++) {
        await catalog.close();
        await blobs.close();
      }
    },
    "a policy is kept": async (world) => {
      const retention = [{ match: ["v*"], keep: { last: 3, versions: { newest: 1, of: "minor" as const } } }];
      const policy = { grace: 3 * HOUR, window: 2 * HOUR, wait: 17, untagged: 5 * HOUR, retention };
      await world.catalog.setPolicy(policy);
      assert.deepEqual({ ...(await world.catalog.policy()) }, policy);
      const again = await reopened(world);
      assert.deepEqual({ ...(await again.catalog.policy()) }, policy);
      await closed(again);
    },
    "what was acknowledged is there after the store has been closed": async (world) => {
      const { catalog, repository, env } = world;
      const image = await world.image("app", { tags: ["v1", "v2"] });
      const signature = await world.image("signature", { subject: image.descriptor });
      await catalog.change(repository, [
        { do: "untag", name: "v2" },
        { do: "pin", name: "p", digest: image.digest },
      ]);
      const held = await world.store("held");
      const identity = await catalog.identity();
      const epoch = await catalog.lease("collect", HOUR);
      const again = await reopened(world);
      assert.equal(await again.catalog.identity(), identity);
      assert.deepEqual(await all(again.catalog.tags(repository)), [{ name: "v1", digest: image.digest }]);
      assert.deepEqual(
        (await all(again.catalog.pins(repository))).map(({ name }) => name),
        ["p"],
      );
      const referrers = await all(again.catalog.referrers(repository, image.digest));
      assert.deepEqual(
        referrers.map(({ digest }) => digest),
        [signature.digest],
      );
      assert.deepEqual(await again.bytes(image.layers[0]!.digest), utf8("layer of app"));
      assert.deepEqual(await again.condemn([item(held, "blob"), ...image.items]), []);
      assert.equal(await again.catalog.lease("collect", HOUR), undefined);
      env.advance(HOUR + 1);
      assert.ok((await again.catalog.lease("collect", HOUR))! > epoch!);
      await closed(again);
    },
  }),
  ...rules(
    "opening",
    {
      "what is condemned can be brought back after the store has been closed": async (world) => {
        const { env, repository } = world;
        const image = await world.condemned("app", { until: env.now() + HOUR });
        const again = await reopened(world);
        same(
          await again.condemnedDigests(),
          image.items.map(({ digest }) => digest),
        );
        const answer = await again.catalog.claim("me", repository, [image.digest], { until: env.now() + HOUR });
        assert.ok(answer.has(image.digest));
        assert.deepEqual(await again.condemnedDigests(), []);
        assert.ok(await again.catalog.manifest(repository, image.digest));
        await closed(again);
      },
    },
    "window",
  ),
  ...rules(
    "several at once",
    {
      "two processes see what the other has done": async (world) => {
        const { repository, env } = world;
        const other = world.through(await world.harness.reopen());
        const image = await world.image("app", { tags: ["v1"] });
        assert.equal(await other.catalog.resolve(repository, "v1"), image.digest);
        assert.deepEqual(await other.bytes(image.layers[0]!.digest), utf8("layer of app"));
        await other.catalog.claim("other", repository, [image.digest], { until: env.now() + HOUR });
        await other.catalog.change(repository, [{ do: "untag", name: "v1" }]);
        assert.equal(await world.catalog.resolve(repository, "v1"), undefined);
        assert.deepEqual(await world.condemn(image.items), []);
        await closed(other);
      },
      "of two processes that expect the same, one wins": async (world) => {
        const { repository } = world;
        const other = world.through(await world.harness.reopen());
        const [a, b] = [await world.image("a", { tags: ["a"] }), await world.image("b", { tags: ["b"] })];
        const racers = [world, other, world, other].map(({ catalog }, i) =>
          catalog.change(repository, [{ do: "tag", name: "v1", to: (i < 2 ? a : b).digest, expect: null }]),
        );
        const outcomes = await Promise.allSettled(racers);
        assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
        for (const outcome of outcomes) {
          if (outcome.status === "rejected") await fails(Promise.reject(outcome.reason), "CONFLICT");
        }
        await closed(other);
      },
      "two processes push at once, and nothing is lost": async (world) => {
        const { repository } = world;
        const other = world.through(await world.harness.reopen());
        const pushes = [world, other].flatMap((side, s) =>
          [0, 1, 2].map((i) => side.image(`image ${s} ${i}`, { tags: [`t-${s}-${i}`], owner: `owner-${s}-${i}` })),
        );
        const images = await Promise.all(pushes);
        assert.equal((await all(world.catalog.tags(repository))).length, 6);
        for (const { items } of images) for (const { digest } of items) assert.ok(await other.bytes(digest));
        await closed(other);
      },
    },
    "multiWriter",
  ),
  ...rules(
    "knowing",
    {
      "what a manifest names is known without reading it": async (world) => {
        const { catalog, repository, blobs } = world;
        if (!blobs.capabilities.generations) return;
        const image = await world.image("app", { tags: ["v1"] });
        const dead = await world.removed("dead");
        await world.erase([image.record]);
        assert.deepEqual(await all((await catalog.graph()).unreadable()), []);
        same(
          await world.condemn([...image.items, ...dead.items]),
          dead.items.map(({ digest }) => digest),
        );
        assert.equal((await catalog.manifest(repository, image.digest))?.edges.length, image.record.edges.length);
      },
    },
    "edges",
  ),
  ...rules(
    "declining",
    {
      "candidates are UNSUPPORTED": async ({ catalog, env }) => {
        await fails(async () => all(catalog.candidates({ due: env.now(), limit: 10 })), "UNSUPPORTED");
      },
    },
    "noQueue",
  ),
  ...rules(
    "candidates",
    {
      "what has lost its last reason is among them": async (world) => {
        const image = await world.removed("app");
        world.env.advance(100 * HOUR);
        const due = world.env.now();
        assert.ok((await all(world.catalog.candidates({ due, limit: 100 }))).includes(image.digest));
        assert.equal((await all(world.catalog.candidates({ due, limit: 0 }))).length, 0);
      },
    },
    "queue",
  ),
  ...rules(
    "failing",
    {
      "a storage that fails is never reported as absent": async (world) => {
        const image = await world.image("app", { tags: ["v1"] });
        const placement = image.layers[0]!;
        const { faults } = world.harness;
        assert.ok(faults, "the declaration says `faults`, and the harness has none");
        faults.fail(new Error("the disk is on fire"));
        const reads = [
          () => world.blobs.stat(placement),
          () => all(world.blobs.read(placement)),
          () => all(world.blobs.list()),
          async () => {
            const answers = await all(world.blobs.delete([placement]));
            for (const { error } of answers) if (error !== undefined) throw error;
          },
        ];
        for (const read of reads) {
          const outcome = await read().then(
            () => "it answered",
            (error: unknown) => error,
          );
          assert.notEqual(outcome, "it answered", String(read));
          assert.notEqual((outcome as { code?: string }).code, "NOT_FOUND");
        }
        faults.fail(undefined);
        assert.deepEqual(await world.bytes(placement.digest), utf8("layer of app"));
      },
      "bytes that could not be erased are not forgotten": async (world) => {
        const image = await world.condemned("app");
        const error = new Error("the disk is on fire");
        world.harness.faults?.fail(error);
        await world.purge().catch(() => {});
        world.harness.faults?.fail(undefined);
        same(
          await world.condemnedDigests(),
          image.items.map(({ digest }) => digest),
        );
        await world.purge();
        assert.deepEqual(await world.stored(), []);
      },
    },
    "faults",
  ),
];
