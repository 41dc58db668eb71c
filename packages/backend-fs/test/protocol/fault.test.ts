import { isOciStoreError } from "@ocistore/core";
import { describe, expect, test } from "vitest";
import { errorsOf, tagsOf } from "../support/content.ts";
import { type Fault, type FaultyFileSystem, faultyFileSystem } from "../support/faulty-file-system.ts";
import { leftOver } from "../support/left-over.ts";
import { again, type Operation, operations } from "../support/operations.ts";
import { HOUR } from "../support/world.ts";

const CODES = { ENOSPC: "NO_SPACE", EIO: "UNAVAILABLE", EACCES: "PERMISSION" } as const;

async function prepare(operation: Operation) {
  let faulty!: FaultyFileSystem;
  const { world, actor } = await operation.start((disk) => {
    faulty = faultyFileSystem(disk);
    return faulty;
  });
  expect(faulty.openHandles).toBe(0);
  return { world, actor, faulty };
}

async function strike(operation: Operation, fault: Fault): Promise<void> {
  const { world, actor, faulty } = await prepare(operation);
  faulty.arm(fault);
  const error = await operation.run(actor, world).then(
    () => undefined,
    (caught) => caught,
  );
  expect(faulty.openHandles).toBe(0);
  if (error !== undefined) {
    expect(isOciStoreError(error), String(error)).toBe(true);
    // What could not be read when the deletion was planned is missing from the plan, and then holds what is in it.
    expect([...Object.values(CODES), "IN_USE"]).toContain(error.code);
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
}

const CHANGING = ["write", "sync", "syncDirectory", "rename", "link", "unlink", "mkdir", "rmdir", "touch"];

describe.each([
  ["any file call once fails", false],
  ["a call that changes something is done, and fails all the same", true],
] as const)("%s", (_, after) => {
  // With a window a deletion reads what it reads without.
  const chosen = operations.filter(({ name }) => after || name !== "delete with a window");
  test.each(chosen.map((operation) => [operation.name, operation] as const))("%s", async (_, operation) => {
    const { world, actor, faulty } = await prepare(operation);
    faulty.arm();
    await operation.run(actor, world);
    const calls = faulty.calls.filter(({ name }) => !after || CHANGING.includes(name));
    expect(calls.length).toBeGreaterThan(5);

    for (const { number, name, path } of calls) {
      // Which of the codes it is makes no difference to what has to happen, so each call gets the next one.
      const code = Object.keys(CODES)[number % 3]!;
      try {
        await strike(operation, { at: number, code, after });
      } catch (error) {
        throw new Error(`${code} at call ${number}, ${name} ${path}: ${error}`, { cause: error });
      }
    }
  });
});

test.each(Object.entries(CODES))("%s is %s for the caller", async (code, ours) => {
  const push = operations.find(({ name }) => name === "push")!;
  const { world, actor, faulty } = await prepare(push);
  faulty.arm({ at: ({ name }) => name === "sync", code });
  await expect(push.run(actor, world)).rejects.toMatchObject({ code: ours, cause: { code } });
});
