import assert from "node:assert/strict";
import { digestOf } from "@ocistore/core";
import { utf8 } from "../bytes.ts";
import { fails, same } from "../expect.ts";
import { type Rule, rules } from "../rule.ts";
import { HOUR, item } from "../world.ts";

export const claimRules: readonly Rule[] = [
  ...rules("claims", {
    "what is stored is answered, what is absent is left out": async (world) => {
      const { catalog, repository, env } = world;
      const here = await world.store("here");
      const absent = digestOf(utf8("absent"));
      const answer = await catalog.claim("me", repository, [absent, here.digest], { until: env.now() + HOUR });
      assert.deepEqual([...answer], [[here.digest, here]]);
      assert.equal((await catalog.claim("me", repository, [], { until: env.now() + HOUR })).size, 0);
    },
    "what was added is held until its owner releases it": async (world) => {
      const blob = await world.store("held");
      assert.deepEqual(await world.condemn([item(blob, "blob")]), []);
      await world.catalog.release("pusher");
      assert.deepEqual(await world.condemn([item(blob, "blob")]), [blob.digest]);
    },
    "what is in the answer is held, whoever else lets go": async (world) => {
      const { catalog, repository, env } = world;
      const blob = await world.store("held");
      await catalog.claim("me", repository, [blob.digest], { until: env.now() + HOUR });
      await catalog.release("pusher");
      assert.deepEqual(await world.condemn([item(blob, "blob")]), []);
      await catalog.release("me");
      assert.deepEqual(await world.condemn([item(blob, "blob")]), [blob.digest]);
    },
    "a claimed manifest holds all that it names": async (world) => {
      const { catalog, repository, env } = world;
      const image = await world.image("app", { tags: ["v1"] });
      await catalog.claim("me", repository, [image.digest], { until: env.now() + HOUR });
      await catalog.change(repository, [{ do: "untag", name: "v1" }]);
      assert.deepEqual(await world.condemn(image.items), []);
      await catalog.release("me");
      same(
        await world.condemn(image.items),
        image.items.map(({ digest }) => digest),
      );
    },
    "a claim ends at its time": async (world) => {
      const blob = await world.store("held");
      world.env.advance(HOUR - 1);
      assert.deepEqual(await world.condemn([item(blob, "blob")]), []);
      world.env.advance(2);
      assert.deepEqual(await world.condemn([item(blob, "blob")]), [blob.digest]);
    },
    "release can move the end of all claims of an owner": async (world) => {
      const { catalog, env } = world;
      const blob = await world.store("held");
      await catalog.release("pusher", { until: env.now() + 3 * HOUR });
      env.advance(2 * HOUR);
      assert.deepEqual(await world.condemn([item(blob, "blob")]), []);
      await catalog.release("pusher", { until: env.now() + 1 });
      env.advance(2);
      assert.deepEqual(await world.condemn([item(blob, "blob")]), [blob.digest]);
    },
    "a claim that has run out does not come back with the next one of its owner": async (world) => {
      const { catalog, repository, env } = world;
      const [one, two] = [await world.store("one"), await world.store("two", { owner: "other" })];
      env.advance(HOUR + 1);
      await world.store("three");
      await catalog.release("pusher", { until: env.now() + HOUR });
      assert.deepEqual(await world.condemn([item(one, "blob")]), [one.digest]);
      await catalog.release("other", { until: env.now() + HOUR });
      assert.deepEqual(await world.condemn([item(two, "blob")]), [two.digest]);
      assert.equal(await catalog.locate(repository, one.digest), undefined);
    },
    "releasing an owner that has nothing is harmless": async ({ catalog, env }) => {
      await catalog.release("nobody");
      await catalog.release("nobody", { until: env.now() + HOUR });
    },
    "many may claim the same at once, and all hold it": async (world) => {
      const { catalog, repository, env } = world;
      const blob = await world.store("held");
      const owners = Array.from({ length: 6 }, (_, i) => `owner-${i}`);
      const answers = await Promise.all(
        owners.map((owner) => catalog.claim(owner, repository, [blob.digest], { until: env.now() + 20 * HOUR })),
      );
      for (const answer of answers) assert.ok(answer.has(blob.digest));
      for (const owner of ["pusher", ...owners]) {
        assert.deepEqual(await world.condemn([item(blob, "blob")]), [], `${owner} still held it`);
        await catalog.release(owner);
      }
      assert.deepEqual(await world.condemn([item(blob, "blob")]), [blob.digest]);
    },
    "a failed publish makes nothing known, and is reported as it was": async (world) => {
      const { catalog, repository, env } = world;
      const upload = await world.sent(utf8("never"));
      const placement = await upload.commit(undefined);
      const error = new Error("the disk is on fire");
      const adding = catalog.add("me", repository, [{ placement, publish: () => Promise.reject(error) }], {
        until: env.now() + HOUR,
      });
      await assert.rejects(adding, (thrown) => thrown === error);
      const answer = await catalog.claim("me", repository, [placement.digest], { until: env.now() + HOUR });
      assert.equal(answer.size, 0);
    },
  }),
  ...rules("bringing back", {
    "condemned content that is claimed is in use again": async (world) => {
      const { catalog, repository, env } = world;
      const image = await world.condemned("app", { until: env.now() + HOUR });
      const layer = image.layers[0]!;
      assert.equal(await catalog.locate(repository, layer.digest), undefined);
      const answer = await catalog.claim("me", repository, [layer.digest], { until: env.now() + 9 * HOUR });
      assert.deepEqual([...answer.keys()], [layer.digest]);
      env.advance(2 * HOUR);
      await world.purge();
      assert.deepEqual(await world.bytes(layer.digest), utf8("layer of app"));
      assert.deepEqual(await world.stored(), [layer.digest]);
    },
    "a purge between a run's removal and its condemning makes no difference": async (world) => {
      const { catalog, repository, env } = world;
      const image = await world.removed("app");
      await world.condemned("other", { run: "other" });
      await world.purge();
      await world.condemn(image.items, { until: env.now() + HOUR });
      const layer = image.layers[0]!.digest;
      const answer = await catalog.claim("me", repository, [layer], { until: env.now() + HOUR });
      assert.deepEqual([...answer.keys()], [layer]);
    },
    "a manifest comes back with all that it names": async (world) => {
      const { catalog, repository, env } = world;
      const image = await world.condemned("app", { until: env.now() + HOUR });
      const answer = await catalog.claim("me", repository, [image.digest], { until: env.now() + 9 * HOUR });
      assert.deepEqual([...answer.keys()], [image.digest]);
      assert.deepEqual(await world.condemnedDigests(), []);
      env.advance(2 * HOUR);
      assert.deepEqual((await world.purge()).purged, []);
      assert.ok(await catalog.manifest(repository, image.digest));
      same(
        await world.stored(),
        image.items.map(({ digest }) => digest),
      );
    },
    "what has been purged does not come back": async (world) => {
      const { catalog, repository, env } = world;
      const image = await world.condemned("app");
      await world.purge();
      const wanted = image.items.map(({ digest }) => digest);
      assert.equal((await catalog.claim("me", repository, wanted, { until: env.now() + HOUR })).size, 0);
    },
    "new bytes take the place of condemned ones, and are not purged for them": async (world) => {
      const { env } = world;
      const image = await world.condemned("app", { until: env.now() + HOUR });
      const layer = image.layers[0]!;
      await world.store("layer of app", { owner: "me" });
      await world.catalog.release("me", { until: env.now() + 9 * HOUR });
      env.advance(2 * HOUR);
      await world.purge();
      assert.deepEqual(await world.bytes(layer.digest), utf8("layer of app"));
    },
    "looking brings nothing back": async (world) => {
      const { catalog, repository, env } = world;
      const image = await world.condemned("app", { until: env.now() + HOUR });
      assert.equal(await catalog.manifest(repository, image.digest), undefined);
      for (const { digest } of image.items) {
        assert.equal(await catalog.locate(repository, digest), undefined);
        assert.equal(await catalog.locate(undefined, digest), undefined);
      }
      same(
        await world.condemnedDigests(),
        image.items.map(({ digest }) => digest),
      );
    },
  }),
  ...rules(
    "claims",
    {
      "bytes that were collected before they were added are refused": async (world) => {
        const { catalog, repository, env } = world;
        for (const when of ["while they are erased", "after that"]) {
          const upload = await world.sent(utf8(when));
          const placement = await upload.commit(undefined);
          const add = () =>
            catalog.add("me", repository, [{ placement, publish: (o) => upload.publish(o) }], {
              until: env.now() + HOUR,
            });
          await world.condemn([item(placement, "blob")]);
          let adding: Promise<unknown> = Promise.resolve();
          await world.purge({
            during: async () => {
              if (when === "after that") return;
              adding = fails(add(), "UPLOAD_UNKNOWN");
              // Some catalogs answer at once, others when the purge has ended; neither may wait for the other.
              await Promise.race([adding.catch(() => {}), env.sleep(1)]);
            },
          });
          if (when === "after that") adding = fails(add(), "UPLOAD_UNKNOWN");
          await adding;
          assert.equal(await catalog.locate(undefined, placement.digest), undefined);
        }
      },
      "who sends bytes that are here already gets the copy that is in use": async (world) => {
        const { catalog, repository, env } = world;
        const first = await world.store("same");
        const upload = await world.sent(utf8("same"));
        const second = await upload.commit(undefined);
        await catalog.add("me", repository, [{ placement: second, publish: (o) => upload.publish(o) }], {
          until: env.now() + HOUR,
        });
        assert.equal((await catalog.locate(repository, first.digest))?.generation, first.generation);
        await world.erase([second]);
        assert.deepEqual(await world.bytes(first.digest), utf8("same"));
        await catalog.release("pusher");
        assert.deepEqual(await world.condemn([item(first, "blob")]), [], "it is held for who sent it again");
      },
    },
    "generations",
  ),
];
