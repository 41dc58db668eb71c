import { isOciStoreError } from "@ocistore/core";
import { describe, expect, test } from "vitest";
import { errorsOf, tagsOf } from "../support/content.ts";
import { type Fault, type FaultyFileSystem, faultyFileSystem } from "../support/faulty-file-system.ts";
import { leftOver } from "../support/left-over.ts";
import { again, type Operation, operations } from "../support/operations.ts";
import { HOUR } from "../support/world.ts";

const CODES = { ENOSPC: "NO_SPACE", EIO: "UNAVAILABLE", EACCES: "PERMISSION" } as const;

/** @returns how many calls it made. */
async function strike(operation: Operation, fault: Fault): Promise<number> {
  let faulty!: FaultyFileSystem;
  const { world, actor } = await operation.start((disk) => {
    faulty = faultyFileSystem(disk);
    return faulty;
  });
  expect(faulty.openHandles).toBe(0);
  faulty.arm(fault);
  const error = await operation.run(actor, world).then(
    () => undefined,
    (caught) => caught,
  );
  const calls = faulty.calls.length;
  expect(faulty.openHandles).toBe(0);
  if (error !== undefined) {
    expect(isOciStoreError(error), String(error)).toBe(true);
    expect(Object.values(CODES)).toContain(error.code);
  }

  faulty.arm();
  await again(operation, actor, world);
  const reader = operation.name === "init" ? await world.actor() : actor;
  expect(await operation.done(reader)).toBe(true);
  expect(await errorsOf(reader.store)).toEqual([]);
  expect(Object.keys(await tagsOf(reader.repository))).toEqual(expect.arrayContaining([...operation.spares]));
  expect(faulty.openHandles).toBe(0);

  world.clock.advance(3 * HOUR);
  await reader.store.collect({ grace: 0 });
  expect(await leftOver(world)).toEqual([]);
  return calls;
}

describe.each([
  ["fails", false],
  ["is done and fails all the same", true],
] as const)("each file call once %s", (_, after) => {
  test.each(operations.map((operation) => [operation.name, operation] as const))("%s", async (_, operation) => {
    let at = 1;
    for (let ended = false; !ended; at++) {
      // Which of the codes it is makes no difference to who calls, so each call gets the next one.
      const code = Object.keys(CODES)[at % 3]!;
      try {
        ended = (await strike(operation, { at, code, after })) < at;
      } catch (error) {
        throw new Error(`${code} at call ${at}: ${error}`, { cause: error });
      }
    }
    expect(at).toBeGreaterThan(10);
  });
});

test("what a code of the platform is for the caller", async () => {
  for (const [code, ours] of Object.entries(CODES)) {
    const [push] = operations;
    let faulty!: FaultyFileSystem;
    const { world, actor } = await push!.start((disk) => {
      faulty = faultyFileSystem(disk);
      return faulty;
    });
    faulty.arm({ at: ({ name }) => name === "sync", code });
    await expect(push!.run(actor, world)).rejects.toMatchObject({ code: ours, cause: { code } });
  }
});
