import { type Digest, digestOf, packIndex } from "@ocistore/core";
import { describe, expect, test } from "vitest";
import { bytes, text } from "../support/bytes.ts";
import { putImage } from "../support/content.ts";
import { faultyFileSystem } from "../support/faulty-file-system.ts";
import { memoryPlace, places } from "../support/file-systems.ts";
import { HOUR, World } from "../support/world.ts";

/** Old blobs that nothing names: what is not claimed goes with the next collection. */
async function withGarbage(world: World, names: readonly string[]): Promise<Digest[]> {
  const f = world.foreign();
  for (const name of names) await f.blob(name);
  world.clock.advance(2 * HOUR);
  return names.map((name) => digestOf(bytes(name)));
}

describe.each(places)("on %s", (_, make) => {
  test("a session that ends and one of the same name that begins are told apart", async () => {
    const world = await World.make(await make());
    const [one, two] = (await withGarbage(world, ["one", "two"])) as [Digest, Digest];
    const [p, c] = [await world.actor(), await world.actor()];
    const first = p.repository.openSession("ci");
    await first.has([one]);
    // The collector knows the file now. The next one has the same name and size, and most likely the same inode and time.
    await c.store.planCollect();
    await first.end();
    expect(await p.repository.openSession("ci").has([two])).toEqual(new Set([two]));
    await c.store.collect({ grace: 0 });
    expect(await world.foreign().has(two)).toBe(true);
    expect(await world.foreign().has(one)).toBe(false);
  });
});

test.each([
  ["the end of the claims", "until 17640000"],
  ["a claim", "hold sha256:0123"],
  ["an addition, but for its line end", `hold ${digestOf(bytes("x"))}`],
])("a disk that is full half-way through %s costs no later claim", async (_, torn) => {
  for (const before of [[], ["before"]]) {
    const world = await World.make(await memoryPlace());
    const digests = await withGarbage(world, ["after", ...before]);
    const p = await world.actor();
    const session = p.repository.openSession("s");
    if (before.length > 0) await session.has(digests.slice(1));
    else await p.repository.openSession("s").has([digestOf(bytes("absent")), digests[0]!]);
    const path = world.paths.session("s");
    const content = before.length > 0 ? (await text(world.disk, path))! : "";
    await world.foreign().overwrite(path, bytes(content + torn));

    expect(await session.has([digests[0]!])).toEqual(new Set([digests[0]]));
    const c = await world.actor();
    await c.store.collect({ grace: 0 });
    for (const digest of digests) expect(await world.foreign().has(digest)).toBe(true);
  }
});

test("a claim that cannot be written is no answer, and loses none that was", async () => {
  const world = await World.make(await memoryPlace());
  const [one, two] = (await withGarbage(world, ["one", "two"])) as [Digest, Digest];
  for (const name of ["open", "write", "close"] as const) {
    const faulty = faultyFileSystem(world.disk, { shortWrites: 5 });
    const p = await world.actor({}, () => faulty);
    const session = p.repository.openSession(`s-${name}`);
    await session.has([one]);
    let writes = 0;
    const isLate = (call: { name: string; path: string }) => call.path.includes("/sessions/") && call.name === name;
    faulty.arm({ at: (call) => isLate(call) && ++writes > (name === "write" ? 3 : 0), code: "ENOSPC" });
    await expect(session.has([two])).rejects.toMatchObject({ code: "NO_SPACE" });
    faulty.arm();
    const c = await world.actor();
    await c.store.collect({ grace: 0 });
    expect(await world.foreign().has(one)).toBe(true);
    // What was cut off swallows no line of what is written after it: the claim is renewed as always.
    world.clock.advance(0.9 * HOUR);
    expect(await session.has([one])).toEqual(new Set([one]));
    world.clock.advance(0.9 * HOUR);
    await c.store.collect({ grace: 0 });
    expect(await session.has([one])).toEqual(new Set([one]));
    await session.end();
    await world.foreign().blob("two");
    world.clock.advance(2 * HOUR);
  }
});

test("a session file grows by what is claimed, not by how often", async () => {
  const world = await World.make(await memoryPlace());
  const digests = await withGarbage(world, ["one", "two"]);
  const p = await world.actor();
  const session = p.repository.openSession("s");
  for (let time = 0; time < 50; time++) await session.has(digests);
  const lines = (await text(world.disk, world.paths.session("s")))!.split("\n");
  expect(lines.filter((line) => line.startsWith("hold"))).toHaveLength(2);
});

test("an index that is only claimed takes no mark from its children, whatever others take away meanwhile", async () => {
  const world = await World.make(await memoryPlace());
  const [pusher, other] = [await world.actor(), await world.actor()];
  const child = await other.repository.session((session) => putImage(session, "child"));
  await other.repository.session((session) => putImage(session, "another", { tag: "another" }));
  // Its bytes have come, and it has not been recorded when the pusher dies.
  await pusher.repository.openSession("s").putBlob(packIndex({ manifests: [child] }).bytes);
  await other.repository.delete("another");
  world.clock.advance(3 * HOUR);
  await other.store.collect({ grace: 0 });
  expect(await other.repository.manifest(child)).toMatchObject({ mediaType: child.mediaType });
});
