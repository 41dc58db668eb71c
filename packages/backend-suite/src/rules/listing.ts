import assert from "node:assert/strict";
import { digestOf } from "@ocistore/core";
import { all, gather, noise, utf8 } from "../bytes.ts";
import { same } from "../expect.ts";
import { type Rule, rules } from "../rule.ts";
import { item, type World } from "../world.ts";

/** Deletes as the contract wants it of every store: bytes leave inside a purge. */
async function deleted(world: World, texts: readonly string[]): Promise<void> {
  const placements = (await all(world.blobs.list())).filter(({ digest }) =>
    texts.some((t) => digestOf(utf8(t)) === digest),
  );
  await world.condemn(placements.map((placement) => item(placement, "blob")));
  await world.purge();
}

export const listingRules: readonly Rule[] = [
  ...rules("listing", {
    "an empty store lists nothing": async ({ blobs }) => {
      assert.deepEqual(await all(blobs.list()), []);
      assert.deepEqual(await all(blobs.uploads()), []);
    },
    "everything is listed once, with its size and a time": async (world) => {
      const placements = [];
      for (let i = 0; i < 25; i++) placements.push(await world.orphan(noise(i, i + 1)));
      const listed = await all(world.blobs.list());
      same(
        listed.map(({ digest }) => digest),
        placements.map(({ digest }) => digest),
      );
      const sizes = new Map(placements.map(({ digest, size }) => [digest, size]));
      for (const { digest, size, since } of listed) {
        assert.equal(size, sizes.get(digest));
        assert.ok(since > 0 && Number.isFinite(since));
      }
    },
    "listing while others write and delete neither fails nor repeats": async (world) => {
      const texts = Array.from({ length: 12 }, (_, i) => `blob ${i}`);
      for (const text of texts) await world.orphan(utf8(text));
      const seen: string[] = [];
      for await (const { digest, generation } of world.blobs.list()) {
        seen.push(`${digest}@${generation}`);
        if (seen.length === 3) await deleted(world, texts.slice(8));
        if (seen.length < 6) await world.orphan(utf8(`new ${seen.length}`));
      }
      assert.equal(new Set(seen).size, seen.length, "a blob was listed twice");
      for (const text of texts.slice(0, 8)) {
        assert.ok(
          seen.some((key) => key.startsWith(digestOf(utf8(text)))),
          `${text} was there all the time`,
        );
      }
    },
  }),
  ...rules("deleting", {
    "what is deleted is gone, and the rest is not": async (world) => {
      for (const text of ["a", "b", "c"]) await world.orphan(utf8(text));
      await deleted(world, ["b"]);
      const left = await all(world.blobs.list());
      same(
        left.map(({ digest }) => digest),
        ["a", "c"].map((text) => digestOf(utf8(text))),
      );
      for (const placement of left) assert.equal((await gather(world.blobs.read(placement))).length, 1);
    },
    "each placement is answered, and what was gone before counts as gone": async (world) => {
      const [here, gone] = [await world.orphan(utf8("here")), await world.orphan(utf8("gone"))];
      await deleted(world, ["gone"]);
      await world.condemn([item(here, "blob")]);
      const answers: unknown[] = [];
      await world.catalog.purge(
        async (placements) => {
          for await (const answer of world.blobs.delete([gone, ...placements, gone])) answers.push(answer);
          return placements.map(({ digest }) => digest);
        },
        { due: world.env.now(), limit: 10 },
      );
      assert.deepEqual(
        answers.map((answer) => (answer as { placement: { digest: string }; error?: unknown }).placement.digest),
        [gone.digest, here.digest, gone.digest],
      );
      for (const answer of answers) assert.equal((answer as { error?: unknown }).error, undefined);
      assert.deepEqual(await all(world.blobs.list()), []);
    },
  }),
];
