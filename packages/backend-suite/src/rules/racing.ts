import assert from "node:assert/strict";
import { digestOf, isOciStoreError, packManifest, parseDigest } from "@ocistore/core";
import { all, utf8 } from "../bytes.ts";
import { type Rule, rules } from "../rule.ts";
import type { World } from "../world.ts";
import { opened, push } from "./sessions.ts";

/** Every tag that is set resolves, and everything below it can be read. */
async function everyTagIsWhole(world: World): Promise<number> {
  const { repository } = await opened(world);
  const tags = await all(repository.tags());
  for (const { name } of tags) {
    const { layers } = await repository.manifest(name);
    for (const layer of layers) assert.equal(digestOf(await repository.bytes(layer)), layer.digest);
  }
  return tags.length;
}

/** What the code says is no harm in a race; everything else is. */
function allowed(error: unknown): void {
  if (!isOciStoreError(error, "NOT_FOUND", "CONFLICT", "LOCKED", "IN_USE")) throw error;
}

export const racingRules: readonly Rule[] = rules("racing", {
  "many push the same layers while others delete and collect, and nothing that was acknowledged is lost": async (
    world,
  ) => {
    const { store, repository } = await opened(world);
    const { env } = world;
    const acknowledged = new Set<string>();
    let pushing = 3;
    const pusher = async (who: number) => {
      for (let i = 0; i < 4; i++) {
        const name = `p${who}-${i}`;
        await push(repository, [`shared ${i % 2}`, `own ${who} ${i}`], [name]);
        acknowledged.add(name);
      }
      pushing -= 1;
    };
    const deleter = async () => {
      for (let i = 0; pushing > 0; i++) {
        const [name] = acknowledged;
        if (name !== undefined && i % 2 === 0) {
          acknowledged.delete(name);
          await repository.delete(name).catch(allowed);
        }
        await env.sleep(1);
      }
    };
    const collector = async () => {
      while (pushing > 0) {
        await store.collect({ grace: 0 }).catch(allowed);
        await env.sleep(1);
      }
    };
    await Promise.all([pusher(0), pusher(1), pusher(2), deleter(), collector()]);
    for (const name of acknowledged) assert.ok(await repository.find(name), `${name} was acknowledged`);
    assert.equal(await everyTagIsWhole(world), acknowledged.size);
    env.advance(2 * 60 * 60_000);
    await store.collect({ grace: 0 });
    const wanted = new Set<string>();
    for (const name of acknowledged) {
      const { digest, config, layers } = { ...(await repository.manifest(name)), ...(await repository.resolve(name)) };
      for (const each of [digest, config?.digest, ...layers.map((layer) => layer.digest)]) if (each) wanted.add(each);
    }
    assert.deepEqual(new Set(await world.stored()), wanted, "one collection after all is quiet leaves no garbage");
  },
  "a claim that was answered is kept against removal, condemning and purging at once": async (world) => {
    const { catalog, repository, env } = world;
    for (let round = 0; round < 6; round++) {
      const image = await world.image(`app ${round}`, { tags: ["v1"] });
      const layer = image.layers[0]!.digest;
      const until = env.now() + 100 * 60 * 60_000;
      const claiming = (async () => {
        for (let i = 0; i < round; i++) await Promise.resolve();
        return catalog.claim(`claim-${round}`, repository, [layer], { until });
      })();
      const removing = catalog
        .change(repository, [{ do: "remove", manifest: image.digest }], { run: `run-${round}` })
        .then(() => world.condemn(image.items, { run: `run-${round}` }))
        .then(() => world.purge());
      const [held] = await Promise.all([claiming, removing]);
      const located = await catalog.locate(undefined, layer);
      if (held.has(layer)) assert.deepEqual(await world.bytes(layer), utf8(`layer of app ${round}`));
      else assert.equal(located, undefined);
    }
  },
  "a manifest is recorded over what is there, or not at all, while that is being condemned": async (world) => {
    const { catalog, repository, env } = world;
    for (let round = 0; round < 6; round++) {
      const layer = await world.store(`layer ${round}`);
      const config = await world.store(`config ${round}`);
      const packed = packManifest({
        config: { mediaType: "application/vnd.test.config", digest: config.digest, size: config.size },
        layers: [{ mediaType: "application/vnd.test.layer", digest: layer.digest, size: layer.size }],
      });
      await catalog.release("pusher");
      const blobs = [layer, config].map((blob) => ({ ...blob, kind: "blob" as const }));
      const recording = world.put(packed, { tags: ["v1"], owner: `owner-${round}` }).catch((error: unknown) => {
        if (!isOciStoreError(error, "MISSING_CONTENT")) throw error;
      });
      const condemning = (async () => {
        for (let i = 0; i < round; i++) await Promise.resolve();
        await world.condemn(blobs, { run: `run-${round}` });
        await world.purge();
      })();
      const [record] = await Promise.all([recording, condemning]);
      if (record) for (const { digest } of blobs) assert.ok(await world.bytes(digest), "recorded over what is gone");
      else assert.notEqual(await catalog.resolve(repository, "v1"), parseDigest(packed.descriptor.digest));
      await catalog.release(`owner-${round}`);
      env.advance(1000);
    }
  },
});
