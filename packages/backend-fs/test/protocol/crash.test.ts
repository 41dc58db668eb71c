import { isOciStoreError } from "@ocistore/core";
import { describe, expect, test } from "vitest";
import { initLayout } from "../../src/index.ts";
import { errorsOf, tagsOf } from "../support/content.ts";
import { leftOver } from "../support/left-over.ts";
import { type Operation, operations } from "../support/operations.ts";
import { HOUR, type World } from "../support/world.ts";

/** Kills it before its file call of this number. */
async function crash(operation: Operation, at: number): Promise<World> {
  const { world, actor } = await operation.start();
  actor.steps.diesAt = at;
  const ran = operation.run(actor, world).then(() => "ended");
  expect(await Promise.race([ran, actor.steps.died])).not.toBe("ended");
  actor.die();
  return world;
}

/** Another process finds everything in order, does its own work, and clears up. */
async function recover(operation: Operation, world: World): Promise<void> {
  if (operation.name === "init") await initLayout(world.directory, { fs: world.disk, env: world.clock, keep: true });
  const next = await world.actor();
  expect(await errorsOf(next.store)).toEqual([]);
  const tags = await tagsOf(next.repository);
  expect(Object.keys(tags)).toEqual(expect.arrayContaining([...operation.spares]));

  if (operation.spares.includes("v2")) await next.repository.delete("v2");
  await next.store.collect().catch((error) => {
    // Another collection is running, for all that this one can know: until its lease has ended.
    if (!operation.name.startsWith("collect") || !isOciStoreError(error, "LOCKED")) throw error;
  });
  expect(await errorsOf(next.store)).toEqual([]);
  const left = await tagsOf(next.repository);
  expect(Object.keys(left)).toEqual(Object.keys(tags).filter((name) => name !== "v2"));

  world.clock.advance(3 * HOUR);
  await next.store.collect({ grace: 0 });
  expect(await leftOver(world)).toEqual([]);
  expect(await errorsOf(next.store)).toEqual([]);
  expect(await tagsOf(next.repository)).toEqual(left);
}

describe("killed before any file call that changes something", () => {
  test.each(operations.map((operation) => [operation.name, operation] as const))("%s", async (_, operation) => {
    const { world, actor } = await operation.start();
    await operation.run(actor, world);
    expect(await operation.done(await world.actor())).toBe(true);
    await recover(operation, world);
    const changes = actor.steps.done.filter((step) => step.changes);
    expect(changes.length).toBeGreaterThan(5);

    for (const { number, name, path, to = "" } of changes) {
      try {
        await recover(operation, await crash(operation, number));
      } catch (error) {
        throw new Error(`killed before call ${number}, ${name} ${path} ${to}: ${error}`, { cause: error });
      }
    }
  });
});

test("undo, killed anywhere and followed by a collection, can be done again", async () => {
  const operation = operations.find(({ name }) => name === "undo")!;
  const { world, actor } = await operation.start();
  await operation.run(actor, world);
  for (const { number, name, path } of actor.steps.done.filter((step) => step.changes)) {
    const next = await (await crash(operation, number)).actor();
    await next.store.collect();
    if (!(await operation.done(next))) await next.store.undo();
    expect(await operation.done(next), `killed before call ${number}, ${name} ${path}`).toBe(true);
    expect(await errorsOf(next.store)).toEqual([]);
  }
});
