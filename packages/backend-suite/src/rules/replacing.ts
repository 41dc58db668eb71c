import assert from "node:assert/strict";
import type { Arrival, Placement, Signal } from "@ocistore/core";
import { gather, utf8 } from "../bytes.ts";
import { fails } from "../expect.ts";
import { type Rule, rules } from "../rule.ts";
import type { World } from "../world.ts";

// No rule damages bytes: a store has no door for that. Which copy is damaged is for the caller to say.

/** Another copy of the same bytes, committed and not known yet. */
async function copyOf(world: World, text: string): Promise<Arrival> {
  const upload = await world.sent(utf8(text));
  const placement = await upload.commit(undefined);
  return { placement, publish: (o?: Signal) => upload.publish(o) };
}

function replace(world: World, damaged: Placement, o: { by?: Arrival; isDamaged?: boolean } = {}): Promise<boolean> {
  const { by, isDamaged = true } = o;
  const erase = (placements: readonly Placement[]) => world.erase(placements);
  return world.catalog.replaceCopy(damaged, { by, confirm: async () => isDamaged, erase });
}

export const replacingRules: readonly Rule[] = [
  ...rules("replacing", {
    "a sound copy takes the place of a damaged one": async (world) => {
      const image = await world.image("app", { tags: ["v1"] });
      const [layer] = image.layers;
      assert.equal(await replace(world, layer!, { by: await copyOf(world, "layer of app") }), true);
      assert.deepEqual(await world.bytes(layer!.digest), utf8("layer of app"));
      assert.equal((await world.stored()).filter((digest) => digest === layer!.digest).length, 1);
    },
    "a manifest whose copy was replaced is what it was": async (world) => {
      const image = await world.image("app", { tags: ["v1"] });
      const bytes = (await world.bytes(image.digest))!;
      const by = await copyOf(world, new TextDecoder().decode(bytes));
      assert.equal(await replace(world, image.record, { by }), true);
      const record = await world.catalog.manifest(world.repository, image.digest);
      assert.deepEqual(record?.edges, image.record.edges);
      assert.deepEqual(record && (await gather(world.blobs.read(record))), bytes);
    },
    "a damaged blob without a sound copy is absent, and can be stored anew": async (world) => {
      const image = await world.image("app", { tags: ["v1"] });
      const [layer] = image.layers;
      assert.equal(await replace(world, layer!), true);
      const until = world.env.now() + 1000;
      const held = await world.catalog.claim("other", world.repository, [layer!.digest], { until });
      assert.equal(held.size, 0);
      assert.ok(await world.catalog.manifest(world.repository, image.digest));
      await world.store("layer of app");
      assert.deepEqual(await world.bytes(layer!.digest), utf8("layer of app"));
    },
    "a manifest is never taken without a sound copy": async (world) => {
      const image = await world.image("app", { tags: ["v1"] });
      await fails(replace(world, image.record), "IN_USE");
      assert.ok(await world.bytes(image.digest));
    },
    "a copy that is sound by now stays": async (world) => {
      const image = await world.image("app", { tags: ["v1"] });
      const [layer] = image.layers;
      assert.equal(await replace(world, layer!, { isDamaged: false }), false);
      assert.deepEqual(await world.bytes(layer!.digest), utf8("layer of app"));
    },
    "bytes that are kept aside stay where they are": async (world) => {
      const blob = await world.store("some bytes");
      assert.ok(await world.blobs.keepAside(blob));
      assert.ok(await world.blobs.keepAside(blob));
      assert.deepEqual(await world.bytes(blob.digest), utf8("some bytes"));
      assert.deepEqual(await world.stored(), [blob.digest]);
    },
  }),
  ...rules(
    "replacing",
    {
      "a copy that is not the one in use any more is left alone": async (world) => {
        const image = await world.image("app", { tags: ["v1"] });
        const [layer] = image.layers;
        await replace(world, layer!, { by: await copyOf(world, "layer of app") });
        assert.equal(await replace(world, layer!), false);
        assert.deepEqual(await world.bytes(layer!.digest), utf8("layer of app"));
      },
    },
    "generations",
  ),
];
