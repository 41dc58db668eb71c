import { type Digest, isOciStoreError } from "@ocistore/core";
import { describe, expect, test } from "vitest";
import { bytes, names, text } from "../support/bytes.ts";
import { errorsOf, furnish, tagsOf } from "../support/content.ts";
import { memoryPlace, places } from "../support/file-systems.ts";
import { leftOver, reachable } from "../support/left-over.ts";
import { HOUR, World } from "../support/world.ts";

async function deleted(place: Parameters<typeof World.make>[0]) {
  const world = await World.make(place);
  const { multi } = await furnish(world);
  const { store, repository, steps } = await world.actor();
  const children = (await repository.successors(multi)).map(({ to }) => to);
  const went = [...(await reachable(world))];
  const receipt = await repository.delete("multi", { window: HOUR });
  return { world, store, repository, steps, multi, children, went, run: receipt.run };
}

/** The file of a digest in the trash, whatever else its name says. */
const named = (digest: Digest) => new RegExp(digest.split(":")[1]!);

describe.each(places)("what a deletion with a window leaves, on %s", (_, make) => {
  test("W19 the record says what went, and the files lie beside it", async () => {
    const { world, run, multi, children } = await deleted(await make());
    const record = JSON.parse((await text(world.disk, world.paths.runRecord(run)))!);
    expect(record.tags).toEqual([{ name: "multi", digest: multi }]);
    const manifests = record.manifests.map(({ digest }: { digest: Digest }) => digest);
    expect(manifests).toContain(multi);
    expect(record.until).toBe(world.clock.now() + HOUR);
    const files = await names(world.disk, world.paths.run(run));
    for (const digest of [multi, ...children]) expect(files).toContainEqual(expect.stringMatching(named(digest)));
    for (const digest of [multi, ...children]) expect(await world.foreign().has(digest)).toBe(false);
  });

  test("W8 a manifest that is claimed brings back all that it names; then it can be tagged again", async () => {
    const { world, store, repository, multi, children, went } = await deleted(await make());
    const session = repository.openSession("undo");
    expect(await session.has([multi])).toEqual(new Set([multi]));
    for (const digest of [multi, ...children]) expect(await world.foreign().has(digest)).toBe(true);
    await repository.tag(multi, "multi");
    await session.end();
    expect(await errorsOf(store)).toEqual([]);
    world.clock.advance(3 * HOUR);
    await store.collect({ grace: 0 });
    expect(Object.keys(await tagsOf(repository))).toContain("multi");
    const left = await reachable(world);
    // All but the signature and its layer, which nobody asked for.
    expect(went.filter((digest) => !left.has(digest))).toHaveLength(2);
    expect(await leftOver(world)).toEqual([]);
  });

  test("a blob that is claimed comes back alone", async () => {
    const { world, repository, children } = await deleted(await make());
    const session = repository.openSession("s");
    expect(await session.has([children[0]!])).toEqual(new Set([children[0]]));
    expect(await world.foreign().has(children[0]!)).toBe(true);
    expect(await world.foreign().has(children[1]!)).toBe(false);
    await session.end();
  });

  test("W15 until then it is not there for readers, and reading brings nothing back", async () => {
    const { world, repository, multi } = await deleted(await make());
    expect(await repository.find(multi)).toBeUndefined();
    await expect(repository.bytes(multi)).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await world.foreign().has(multi)).toBe(false);
  });

  test("W8 parents are erased before what they name", async () => {
    const { world, store, steps, multi, children } = await deleted(await make());
    world.clock.advance(2 * HOUR);
    steps.restart();
    await store.collect();
    const erased = steps.done
      .filter(({ name, path }) => name === "unlink" && path.includes("/trash/") && !path.endsWith(".json"))
      .map(({ path }) => path);
    const at = (digest: Digest) => {
      const found = erased.findIndex((path) => named(digest).test(path));
      expect(found).toBeGreaterThanOrEqual(0);
      return found;
    };
    for (const child of children) expect(at(child)).toBeGreaterThan(at(multi));
    expect(erased.length).toBeGreaterThanOrEqual(6);
    expect(await leftOver(world)).toEqual([]);
  });
});

test("index.json is replaced before anything moves, and after the record is durable", async () => {
  const { steps, run } = await deleted(await memoryPlace());
  const at = (which: (step: (typeof steps.done)[number]) => boolean) => steps.done.findIndex(which) + 1;
  const record = at(({ name, to }) => name === "rename" && to?.endsWith(`${run}/run.json`) === true);
  const recordSynced = at((step) => step.name === "syncDirectory" && step.path.endsWith(run) && step.number > record);
  const index = at(({ name, to }) => name === "rename" && to?.endsWith("/index.json") === true);
  const indexSynced = at(
    (step) => step.name === "syncDirectory" && step.path.endsWith("/layout") && step.number > index,
  );
  const moved = at(({ name, path, to = "" }) => name === "rename" && path.includes("/blobs/") && to.includes(run));
  const order = [record, recordSynced, index, indexSynced, moved];
  expect(Math.min(...order)).toBeGreaterThan(0);
  expect(order).toEqual([...order].sort((a, b) => a - b));
});

test("a foreign write in the middle of a deletion puts nothing into the record twice", async () => {
  const world = await World.make(await memoryPlace());
  const { multi } = await furnish(world);
  const { repository, steps } = await world.actor();
  const f = world.foreign();
  const gate = steps.pauseBefore(({ name, path }) => name === "sync" && path.endsWith("/index.json.new"));
  const deleting = repository.delete("multi", { window: HOUR });
  await gate.reached(deleting);
  await f.writeIndex([...(await f.readIndex()), await f.image(await f.blob("{}"), [])]);
  gate.open();
  const { run } = await deleting;
  const record = JSON.parse((await text(world.disk, world.paths.runRecord(run)))!);
  expect(record.tags).toEqual([{ name: "multi", digest: multi }]);
  const digests = record.manifests.map(({ digest }: { digest: Digest }) => digest);
  expect(new Set(digests).size).toBe(digests.length);
});

describe("trash whose record is lost", () => {
  test("waits as long as any, from when it was filled", async () => {
    const world = await World.make(await memoryPlace(), { grace: HOUR, window: HOUR, wait: 0 });
    await furnish(world);
    const { store, repository } = await world.actor();
    const { run } = await repository.delete("multi");
    await world.disk.unlink(world.paths.runRecord(run));
    const files = await names(world.disk, world.paths.run(run));
    world.clock.advance(0.9 * HOUR);
    await store.collect();
    expect(await names(world.disk, world.paths.run(run))).toEqual(files);
    // Parents first; what they name waits once more, since all that tells how long it has is the time of the directory.
    for (let round = 0; round < 6; round++) {
      world.clock.advance(1.1 * HOUR);
      await store.collect();
    }
    expect(await leftOver(world)).toEqual([]);
  });

  test("an empty directory of a run is cleared away", async () => {
    const world = await World.make(await memoryPlace());
    const { store } = await world.actor();
    await world.disk.mkdir(world.paths.trash);
    await world.disk.mkdir(world.paths.run("died"));
    world.clock.advance(2 * HOUR);
    await store.collect();
    expect(await leftOver(world)).toEqual([]);
  });

  test("a damaged record stops what would need it, and loses nothing", async () => {
    const { world, run, store, repository } = await deleted(await memoryPlace());
    await world.foreign().overwrite(world.paths.runRecord(run), bytes('{"format":1,"at":'));
    world.clock.advance(5 * HOUR);
    const error = await store.collect().catch((caught) => caught);
    expect(isOciStoreError(error, "LAYOUT_INVALID")).toBe(true);
    expect((await names(world.disk, world.paths.run(run))).length).toBeGreaterThan(6);
    expect(repository.name).toBe("");
  });
});
