import assert from "node:assert/strict";
import type { Placement } from "@ocistore/core";
import { all, cut, gather, joined, noise, pieces, utf8 } from "../bytes.ts";
import { fails, sameBytes } from "../expect.ts";
import { type Rule, rules } from "../rule.ts";
import type { World } from "../world.ts";

const MANY = cut(noise(17_000), 17);
/** More than one part of an S3 upload, and than any buffer on the way. */
const LARGE = cut(noise(6 * 1024 * 1024 + 3), 333_333);

const sizes: readonly (readonly [string, readonly Uint8Array[]])[] = [
  ["no byte", []],
  ["one byte", [utf8("x")]],
  ["a thousand small pieces", MANY],
  ["more than any buffer", LARGE],
];

const ranges: readonly (readonly [number | undefined, number | undefined])[] = [
  [0, 1],
  [0, undefined],
  [1, undefined],
  [undefined, 5],
  [16_999, 17_000],
  [17, 34],
  [5, 5],
  [17_000, 17_000],
  [3, 16_998],
];

async function written(world: World, list: readonly Uint8Array[]): Promise<Placement> {
  const upload = await world.blobs.upload("one", { create: true });
  await upload.write(pieces(...list), { at: 0 });
  const placement = await upload.commit(undefined);
  await upload.publish();
  return placement;
}

export const readingRules: readonly Rule[] = [
  ...sizes.flatMap(([what, list]) =>
    rules("reading", {
      [`bytes come back as they were sent: ${what}`]: async (world) => {
        const placement = await written(world, list);
        const sent = joined(list);
        assert.equal(placement.size, sent.length);
        sameBytes(await gather(world.blobs.read(placement)), sent);
        assert.equal((await world.blobs.stat(placement))?.size, sent.length);
      },
    }),
  ),
  ...rules("reading", {
    "a range has the bytes from start up to end": async (world) => {
      const placement = await written(world, MANY);
      const sent = joined(MANY);
      for (const [start, end] of ranges) {
        const range = { ...(start !== undefined && { start }), ...(end !== undefined && { end }) };
        const got = await gather(world.blobs.read(placement, range));
        sameBytes(got, sent.slice(start ?? 0, end), `bytes ${start} to ${end}`);
      }
    },
    "pieces are plain Uint8Arrays, and are not written into again": async (world) => {
      const placement = await written(world, LARGE);
      const kept = await all(world.blobs.read(placement));
      for (const piece of kept) assert.ok(piece instanceof Uint8Array);
      sameBytes(joined(kept), joined(LARGE));
    },
    "a reader that stops after the first piece leaves nothing behind": async (world) => {
      const placement = await written(world, LARGE);
      for (let i = 0; i < 40; i++) {
        for await (const piece of world.blobs.read(placement)) {
          assert.ok(piece.length > 0);
          break;
        }
      }
      assert.equal((await gather(world.blobs.read(placement))).length, placement.size);
    },
    "two readers do not disturb each other": async (world) => {
      const placement = await written(world, MANY);
      const [one, other] = await Promise.all([
        gather(world.blobs.read(placement)),
        gather(world.blobs.read(placement)),
      ]);
      sameBytes(one, joined(MANY));
      sameBytes(other, joined(MANY));
    },
    "what does not lie there is undefined to stat and NOT_FOUND to read": async (world) => {
      const placement = await written(world, [utf8("here")]);
      await world.condemn([{ ...placement, kind: "blob" }]);
      await world.purge();
      assert.equal(await world.blobs.stat(placement), undefined);
      await fails(gather(world.blobs.read(placement)), "NOT_FOUND");
      await fails(gather(world.blobs.read(placement, { start: 1, end: 2 })), "NOT_FOUND");
    },
    "stat tells a time": async (world) => {
      const placement = await written(world, [utf8("here")]);
      const modified = (await world.blobs.stat(placement))?.modified;
      assert.ok(modified !== undefined && modified > 0 && Number.isFinite(modified));
    },
  }),
];
