import { isOciStoreError } from "@ocistore/core";
import { describe, expect, test } from "vitest";
import { initLayout } from "../../src/index.ts";
import { errorsOf, tagsOf } from "../support/content.ts";
import { leftOver } from "../support/left-over.ts";
import { type Operation, operations } from "../support/operations.ts";
import { type Actor, HOUR, type World } from "../support/world.ts";

/** Runs it until it is about to make file call number `at`, and kills it there. Whether it was still running then. */
async function crash(operation: Operation, at: number): Promise<{ world: World; died: boolean; actor: Actor }> {
  const { world, actor } = await operation.start();
  actor.steps.diesAt = at;
  const ran = operation.run(actor, world).then(() => "ended");
  const died = (await Promise.race([ran, actor.steps.died])) !== "ended";
  actor.die();
  return { world, died, actor };
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
    if (operation.name !== "collect" || !isOciStoreError(error, "LOCKED")) throw error;
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

describe("killed before any of its file calls", () => {
  test.each(operations.map((operation) => [operation.name, operation] as const))("%s", async (_, operation) => {
    let at = 1;
    for (; at < 1000; at++) {
      const { world, died, actor } = await crash(operation, at);
      const where = actor.steps.done.at(-1);
      try {
        await recover(operation, world);
        if (!died) expect(await operation.done(await world.actor())).toBe(true);
      } catch (error) {
        throw new Error(`killed before call ${at}, after ${JSON.stringify(where)}: ${error}`, { cause: error });
      }
      if (!died) break;
    }
    expect(at).toBeGreaterThan(10);
    expect(at).toBeLessThan(1000);
  });
});
