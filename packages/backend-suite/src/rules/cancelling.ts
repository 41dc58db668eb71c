import assert from "node:assert/strict";
import { type Bytes, digestOf, randomId, type Signal } from "@ocistore/core";
import { all, gate, gather, noise, pieces, utf8 } from "../bytes.ts";
import { failsWith } from "../expect.ts";
import { type Rule, rules } from "../rule.ts";
import { HOUR, type World } from "../world.ts";

const digest = digestOf(utf8("absent"));
const until = Number.MAX_SAFE_INTEGER;
const policy = { grace: 1, window: 1, wait: 1 };

/** Every command that takes a signal, with arguments that would not fail for another reason first. */
const commands: Readonly<Record<string, (world: World, o: Signal) => Promise<unknown>>> = {
  "blobs.stat": ({ blobs }, o) => blobs.stat({ digest, size: 6, generation: "" }, o),
  "blobs.read": ({ blobs }, o) => gather(blobs.read({ digest, size: 6, generation: "" }, o)),
  "blobs.upload": ({ blobs }, o) => blobs.upload("new", { ...o, create: true }),
  "blobs.uploads": ({ blobs }, o) => all(blobs.uploads(o)),
  "blobs.list": ({ blobs }, o) => all(blobs.list(o)),
  "blobs.delete": ({ blobs }, o) => all(blobs.delete([{ digest, size: 6, generation: "" }], o)),
  "upload.write": async ({ blobs, env }, o) =>
    (await blobs.upload(randomId(env), { create: true })).write(pieces(utf8("x")), { ...o, at: 0 }),
  "upload.commit": async ({ blobs, env }, o) =>
    (await blobs.upload(randomId(env), { create: true })).commit(undefined, o),
  identity: ({ catalog }, o) => catalog.identity(o),
  policy: ({ catalog }, o) => catalog.policy(o),
  setPolicy: ({ catalog }, o) => catalog.setPolicy(policy, o),
  claim: ({ catalog, repository }, o) => catalog.claim("me", repository, [digest], { ...o, until }),
  add: ({ catalog, repository }, o) => catalog.add("me", repository, [], { ...o, until }),
  release: ({ catalog }, o) => catalog.release("me", o),
  change: ({ catalog, repository }, o) => catalog.change(repository, [], o),
  lease: ({ catalog }, o) => catalog.lease("collect", HOUR, o),
  endLease: ({ catalog }, o) => catalog.endLease("collect", 1, o),
  condemn: ({ catalog }, o) => catalog.condemn([], { ...o, run: "run", until }),
  revive: ({ catalog }, o) => catalog.revive([], o),
  undo: ({ catalog }, o) => catalog.undo("run", o),
  runs: ({ catalog }, o) => all(catalog.runs(o)),
  purge: ({ catalog }, o) => catalog.purge(async () => [], { ...o, due: 0, limit: 1 }),
  graph: ({ catalog }, o) => catalog.graph(o),
  resolve: ({ catalog, repository }, o) => catalog.resolve(repository, "v1", o),
  manifest: ({ catalog, repository }, o) => catalog.manifest(repository, digest, o),
  locate: ({ catalog, repository }, o) => catalog.locate(repository, digest, o),
  tags: ({ catalog, repository }, o) => all(catalog.tags(repository, o)),
  repositories: ({ catalog }, o) => all(catalog.repositories(o)),
  pins: ({ catalog, repository }, o) => all(catalog.pins(repository, o)),
  referrers: ({ catalog, repository }, o) => all(catalog.referrers(repository, digest, o)),
  condemned: ({ catalog }, o) => all(catalog.condemned(o)),
};

const reasons: readonly unknown[] = [
  new Error("the caller's own"),
  Object.assign(new Error("looks absent"), { code: "ENOENT" }),
  { not: "an error" },
];

export const cancellingRules: readonly Rule[] = [
  ...Object.entries(commands).flatMap(([name, command]) =>
    rules("cancelling", {
      [`${name} rejects with the reason of a signal that has been aborted`]: async (world) => {
        for (const reason of reasons) await failsWith(reason, command(world, { signal: AbortSignal.abort(reason) }));
      },
    }),
  ),
  ...rules("cancelling", {
    "a read stops between two pieces": async ({ blobs }) => {
      const upload = await blobs.upload("one", { create: true });
      await upload.write(pieces(noise(3 * 1024 * 1024)), { at: 0 });
      const placement = await upload.commit(undefined);
      await upload.publish();
      const controller = new AbortController();
      const reason = new Error("enough");
      const reading = (async () => {
        for await (const _ of blobs.read(placement, { signal: controller.signal })) controller.abort(reason);
      })();
      await failsWith(reason, reading);
      assert.equal((await gather(blobs.read(placement))).length, placement.size);
    },
    "a write stops between two pieces, and leaves nothing when it is given up": async ({ blobs }) => {
      const controller = new AbortController();
      const reason = new Error("enough");
      const source = async function* (): Bytes {
        yield utf8("one");
        controller.abort(reason);
        yield utf8("two");
        throw new Error("this piece should not have been asked for");
      };
      const upload = await blobs.upload("one", { create: true });
      await failsWith(reason, upload.write(source(), { at: 0, signal: controller.signal }));
      await upload.abort();
      assert.deepEqual(await all(blobs.uploads()), []);
      assert.deepEqual(await all(blobs.list()), []);
    },
    "a list stops between two items": async (world) => {
      for (let i = 0; i < 5; i++) await world.orphan(noise(10, i + 1));
      const controller = new AbortController();
      const reason = new Error("enough");
      let seen = 0;
      const listing = (async () => {
        for await (const _ of world.blobs.list({ signal: controller.signal })) {
          seen += 1;
          controller.abort(reason);
        }
      })();
      await failsWith(reason, listing);
      assert.equal(seen, 1);
    },
    "a command that waits for another is cancelled with the reason, or has been done": async (world) => {
      const { catalog, repository, env } = world;
      const image = await world.image("app", { tags: ["v1"] });
      const upload = await world.sent(utf8("slow"));
      const placement = await upload.commit(undefined);
      const [entered, leave] = [gate(), gate()];
      const publish = async (o?: Signal) => {
        entered.open();
        await leave.opened;
        await upload.publish(o);
      };
      const adding = catalog.add("me", repository, [{ placement, publish }], { until: env.now() + HOUR });
      await entered.opened;
      const controller = new AbortController();
      const reason = new Error("enough");
      const { signal } = controller;
      const outcome = catalog.change(repository, [{ do: "tag", name: "v2", to: image.digest }], { signal }).then(
        () => "done",
        (error: unknown) => error,
      );
      await env.sleep(1);
      controller.abort(reason);
      leave.open();
      await adding;
      const got = await outcome;
      assert.ok(got === "done" || got === reason, "neither done nor cancelled with the reason");
      assert.equal(await catalog.resolve(repository, "v2"), got === "done" ? image.digest : undefined);
    },
  }),
];
