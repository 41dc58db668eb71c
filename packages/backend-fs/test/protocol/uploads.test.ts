import { expect, test } from "vitest";
import { bytes } from "../support/bytes.ts";
import { errorsOf, putImage } from "../support/content.ts";
import { memoryPlace } from "../support/file-systems.ts";
import { leftOver } from "../support/left-over.ts";
import { HOUR, World } from "../support/world.ts";

test("R15 a collection with grace 0 does not take the upload of a process that is still sending", async () => {
  const world = await World.make(await memoryPlace());
  const [p, c] = [await world.actor(), await world.actor()];
  await p.repository.session(async (session) => {
    async function* slow() {
      yield bytes("half of it, ");
      await c.store.collect({ grace: 0 });
      yield bytes("and the rest");
    }
    const layer = await session.putBlob(slow());
    await putImage(session, "n", { tag: "n", layers: [layer] });
  });
  expect(await errorsOf(c.store)).toEqual([]);
});

test("an upload whose process died goes an hour after its last byte, as its claims do", async () => {
  const world = await World.make(await memoryPlace());
  const [p, c] = [await world.actor(), await world.actor()];
  const gate = p.steps.pauseBefore(({ name, path }) => name === "sync" && path.includes("/uploads/"));
  const pushing = p.repository.session((session) => session.putBlob(bytes("never finished")));
  await gate.reached(pushing);
  p.die();
  world.clock.advance(0.9 * HOUR);
  await c.store.collect({ grace: 0 });
  expect(await leftOver(world)).toContainEqual(expect.stringMatching(/^upload: /));
  world.clock.advance(0.2 * HOUR);
  expect(await c.store.collect({ grace: 0 })).toMatchObject({ uploads: 1 });
  expect(await leftOver(world)).toEqual([]);
});

test("what the source of a blob throws is what the caller gets, though it looks like a failure of ours", async () => {
  const world = await World.make(await memoryPlace());
  const p = await world.actor();
  const missing = Object.assign(new Error("no such file"), { code: "ENOENT" });
  async function* source() {
    yield bytes("a");
    throw missing;
  }
  await expect(p.repository.session((session) => session.putBlob(source()))).rejects.toBe(missing);
});
