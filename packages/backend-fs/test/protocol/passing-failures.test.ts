import type { Digest } from "@ocistore/core";
import { expect, test } from "vitest";
import { writeArchive } from "../../src/index.ts";
import { bytes, put } from "../support/bytes.ts";
import { furnish } from "../support/content.ts";
import { type FaultyFileSystem, faultyFileSystem } from "../support/faulty-file-system.ts";
import { memoryPlace } from "../support/file-systems.ts";
import { leftOver } from "../support/left-over.ts";
import { HOUR, World } from "../support/world.ts";

async function place() {
  const world = await World.make(await memoryPlace());
  const { multi } = await furnish(world);
  let faulty!: FaultyFileSystem;
  const actor = await world.actor({}, (disk) => {
    faulty = faultyFileSystem(disk);
    return faulty;
  });
  const signatures: Digest[] = [];
  for await (const { digest } of actor.repository.referrers(multi)) signatures.push(digest);
  const [signature] = signatures as [Digest];
  const isRead = ({ name, path }: { name: string; path: string }) =>
    ["lstat", "open", "read"].includes(name) && path === world.paths.blob(signature);
  return { world, actor, faulty, multi, signature, isRead };
}

test("a referrer that could not be read this time is not left out of an answer: the answer fails", async () => {
  const { actor, faulty, multi, signature, isRead } = await place();
  const { repository, store } = actor;
  const listed = async () => {
    const found: string[] = [];
    for await (const { digest } of repository.referrers(multi)) found.push(digest);
    return found;
  };
  for (const [code, ours] of [
    ["EMFILE", "UNAVAILABLE"],
    ["EACCES", "PERMISSION"],
  ] as const) {
    for (const ask of [listed, () => repository.predecessors(multi), () => writeArchive(store, "/store/out.tar")]) {
      // Whoever looks knows the manifest by now, as long as its file is the same.
      faulty.arm({ at: isRead, code });
      await expect(ask()).rejects.toMatchObject({ code: ours });
      faulty.arm();
    }
  }
  expect(await listed()).toEqual([signature]);
});

test("a referrer that is damaged is left out, since who asks again gets no better answer", async () => {
  const { world, actor, multi, signature } = await place();
  await world.disk.unlink(world.paths.blob(signature));
  await put(world.disk, world.paths.blob(signature), "{}");
  for await (const each of actor.repository.referrers(multi)) expect.unreachable(each.digest);
  expect((await actor.repository.predecessors(multi)).length).toBe(0);
});

test("an upload that could not be taken away has no writer, and the next collection of the same process takes it", async () => {
  const { world, actor, faulty } = await place();
  faulty.arm({
    at: ({ name, path }) => ["rename", "unlink"].includes(name) && path.includes("/uploads/"),
    code: "EIO",
    always: true,
  });
  const pushing = actor.repository.session((session) => session.putBlob(bytes("never stored")));
  await expect(pushing).rejects.toMatchObject({ code: "UNAVAILABLE" });
  faulty.arm();
  expect(await leftOver(world)).toContainEqual(expect.stringMatching(/^upload: /));
  world.clock.advance(3 * HOUR);
  await actor.store.collect({ grace: 0 });
  expect(await leftOver(world)).toEqual([]);
});
