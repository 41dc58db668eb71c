import { type CheckOptions, isOciStoreError, OciStoreError } from "@ocistore/core";
import { expect, test } from "vitest";
import { repairLayout } from "../../src/index.ts";
import { bytes, text } from "../support/bytes.ts";
import { errorsOf, furnish, SHARED, tagsOf } from "../support/content.ts";
import { memoryPlace } from "../support/file-systems.ts";
import { copyOf, type MemoryFileSystem, memoryFileSystem } from "../support/memory-file-system.ts";
import { World } from "../support/world.ts";

/** Its calls have tests of their own; where only one is alive nobody needs it. */
const lock = { acquire: async () => async () => {} };

async function overwrite({ disk }: World, path: string, content: Uint8Array): Promise<void> {
  await disk.unlink(path);
  const handle = await disk.open(path, "wx");
  await handle.write(content, 0, content.length, 0);
  await handle.close();
}

/** A store that is built once, and copied for each try. */
class Template {
  readonly fs: MemoryFileSystem;
  readonly world: World;

  private constructor(fs: MemoryFileSystem, world: World) {
    this.fs = fs;
    this.world = world;
  }

  static async make(): Promise<Template> {
    const fs = memoryFileSystem();
    await fs.mkdir("/store");
    return new Template(fs, await World.make({ fs, directory: "/store" }));
  }

  copy(): World {
    const world = new World({ fs: copyOf(this.fs), directory: "/store" });
    world.clock.advance(this.world.clock.now() - world.clock.now());
    return world;
  }
}

/** A store with a damaged manifest, a missing layer, a leftover and a run whose record is damaged; and a whole mirror of it. */
async function damagedTemplate() {
  const [template, mirror] = [await Template.make(), await World.make(await memoryPlace())];
  const { world } = template;
  const { v1, garbage } = await furnish(world);
  await furnish(mirror);
  const source = (await mirror.actor()).repository;
  const tags = await tagsOf((await world.actor()).repository);
  await overwrite(world, world.paths.blob(v1), bytes("not what it was"));
  await overwrite(world, world.paths.blob(garbage), bytes("not this either"));
  const layer = (await source.manifest("v2")).layers.find(({ size }) => size === SHARED.length);
  await world.disk.unlink(world.paths.blob(layer!.digest));
  await world.disk.mkdir(world.paths.trash);
  await world.disk.mkdir(world.paths.run("r1"));
  for (const path of [world.paths.fresh("index.json"), world.paths.runRecord("r1")]) {
    await (await world.disk.open(path, "wx")).close();
  }
  const options: CheckOptions = { repair: true, from: [source] };
  return { template, tags, options };
}

test("killed before any file call that changes something, a repair can be run again", async () => {
  const { template, tags, options } = await damagedTemplate();
  const actor = await template.copy().actor({ lock });
  for await (const _ of actor.store.check(options));
  const steps = actor.steps.done.filter(({ changes }) => changes);
  expect(steps.length).toBeGreaterThan(30);
  for (const { number, name, path } of steps) {
    const world = template.copy();
    const victim = await world.actor({ lock });
    victim.steps.diesAt = number;
    const ran = (async () => {
      for await (const _ of victim.store.check(options));
      return "ended";
    })();
    const where = `killed before call ${number}, ${name} ${path}`;
    expect(await Promise.race([ran, victim.steps.died]), where).not.toBe("ended");
    victim.die();
    const next = await world.actor();
    for await (const _ of next.store.check(options));
    expect(await errorsOf(next.store), where).toEqual([]);
    expect(await tagsOf(next.repository), where).toEqual(tags);
  }
});

test("killed anywhere, the repair of an index.json that cannot be read can be run again", async () => {
  const template = await Template.make();
  await furnish(template.world);
  await overwrite(template.world, template.world.paths.index, bytes("garbage"));
  const first = template.copy();
  const stranger = await first.stranger();
  await repairLayout(first.directory, { fs: stranger.fs, env: first.clock, lock });
  const changes = stranger.steps.done.filter((step) => step.changes);
  expect(changes.length).toBeGreaterThan(3);
  for (const { number } of changes) {
    const world = template.copy();
    const victim = await world.stranger();
    victim.steps.diesAt = number;
    const ran = repairLayout(world.directory, { fs: victim.fs, env: world.clock, lock }).then(() => "ended");
    expect(await Promise.race([ran, victim.steps.died])).not.toBe("ended");
    victim.die();
    await repairLayout(world.directory, { fs: world.disk, env: world.clock, lock });
    const { store } = await world.actor();
    expect(await errorsOf(store)).toEqual([]);
    // All that was stored and named is a root, or kept by one.
    const { removed } = await store.collect({ grace: 0 });
    expect(removed).toBe(1);
  }
});

test("a repair that does not get the lock changes nothing", async () => {
  const { world } = await Template.make();
  await overwrite(world, world.paths.index, bytes("garbage"));
  const taken = new OciStoreError("LOCKED", "somebody has it");
  const repairing = repairLayout(world.directory, {
    fs: world.disk,
    env: world.clock,
    lock: { acquire: () => Promise.reject(taken) },
  });
  await expect(repairing).rejects.toBe(taken);
  expect(await text(world.disk, world.paths.index)).toBe("garbage");
});

test("a repair that was opened for reading changes nothing", async () => {
  const { template, options } = await damagedTemplate();
  const { store } = await template.copy().actor({ readOnly: true });
  const repairing = (async () => {
    for await (const _ of store.check(options));
  })();
  await expect(repairing.catch((error) => isOciStoreError(error, "READ_ONLY"))).resolves.toBe(true);
});
