import {
  CellCatalog,
  type Digest,
  type DocumentCell,
  type Draft,
  MemoryBlobs,
  memoryCell,
  openMemory,
  openStore,
  packIndex,
  recordedFacts,
  type Store,
  systemEnvironment,
} from "@ocistore/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { openLayout } from "../../src/index.ts";
import { bytes, text } from "../support/bytes.ts";
import { errorsOf, furnish, putImage, tagsOf } from "../support/content.ts";
import { faultyFileSystem } from "../support/faulty-file-system.ts";
import { memoryPlace, realPlace } from "../support/file-systems.ts";
import { snapshot } from "../support/foreign-layout.ts";
import { leftOver } from "../support/left-over.ts";
import { HOUR, World } from "../support/world.ts";

// Where oras-go's store is weak while it works: what it writes, whom it keeps waiting, and where it runs at all.

const opened = async () => {
  const { directory } = await realPlace();
  const store = await openLayout(`${directory}/layout`, { create: true });
  onTestFinished(() => store.close());
  return { directory: `${directory}/layout`, store, repository: store.repository() };
};

async function world() {
  const made = await World.make(await memoryPlace());
  return { ...(await furnish(made)), world: made };
}

describe("writing", () => {
  test("W8: index.json is whole, old or new, wherever the disk becomes full", async () => {
    const { world: made } = await world();
    const counting = faultyFileSystem(made.disk);
    const actor = await made.actor({}, () => counting);
    counting.arm();
    await actor.repository.tag("v1", "new");
    const writes = ["write", "sync", "rename", "link", "mkdir", "syncDirectory"];
    const at = counting.calls.filter(({ name }) => writes.includes(name)).map(({ number }) => number);
    expect(at.length).toBeGreaterThan(5);
    for (const first of at) {
      const { world: next } = await world();
      const full = faultyFileSystem(next.disk);
      const { repository } = await next.actor({}, () => full);
      const before = Object.keys(await tagsOf(repository));
      full.arm({ at: ({ number, name }) => number >= first && writes.includes(name), code: "ENOSPC", always: true });
      const error = await repository.tag("v1", "new").catch((error: unknown) => error);
      full.arm();
      const other = await next.actor();
      const after = Object.keys(await tagsOf(other.repository));
      expect([before, [...before, "new"].sort()], `full from call ${first}`).toContainEqual(after);
      if (error === undefined) expect(after).toContain("new");
      expect(await errorsOf(other.store)).toEqual([]);
    }
  });

  test("W8: index.json is never written in place, and durable before it has its name", async () => {
    const { world: made } = await world();
    const { repository, steps } = await made.actor();
    await repository.tag("v1", "new");
    const { index } = made.paths;
    const named = steps.done.find(({ name, to }) => name === "rename" && to === index)!;
    const ofIt = steps.done.filter(({ path }) => path === named.path).map(({ name }) => name);
    expect(ofIt.lastIndexOf("write")).toBeLessThan(ofIt.indexOf("sync"));
    expect(ofIt.indexOf("sync")).toBeLessThan(ofIt.indexOf("rename"));
    expect(steps.done.filter(({ path, changes }) => path === index && changes)).toEqual([]);
    const later = steps.done.filter(({ number, name }) => number > named.number && name === "syncDirectory");
    expect(later.map(({ path }) => path)).toContain(made.directory);
  });

  test("W9: what a killed push has left is swept by a later collection", async () => {
    const { world: made } = await world();
    const { repository, steps, die } = await made.actor();
    const gate = steps.pauseBefore(({ name, path }) => name === "sync" && path.startsWith(made.paths.uploads));
    const push = repository.session((session) => session.putBlob(bytes("on its way")));
    await gate.reached(push);
    die();
    const other = await made.actor();
    await other.store.collect();
    expect((await leftOver(made)).some((each) => each.startsWith("upload"))).toBe(true);
    made.clock.advance(48 * HOUR);
    await other.store.collect({ grace: 0 });
    expect(await leftOver(made)).toEqual([]);
  });

  test("W13: many tags are one write of index.json, blobs none, and only roots are in what is written", async () => {
    const { world: made } = await world();
    const { repository, steps } = await made.actor();
    const writes = () => steps.done.filter(({ name, to }) => name === "rename" && to === made.paths.index).length;
    const size = async () => (await text(made.disk, made.paths.index))!.length;
    await repository.session(async (session) => {
      for (let at = 0; at < 20; at++) await session.putBlob(bytes(`blob ${at}`));
      expect(writes()).toBe(0);
      const children = [];
      for (let at = 0; at < 20; at++) children.push(await putImage(session, `child-${at}`));
      const [before, beside] = [writes(), await size()];
      await session.putManifest(packIndex({ manifests: children }), { tags: ["a", "b", "c"] });
      expect(writes() - before).toBe(1);
      // Twenty entries have made room for three.
      expect(await size()).toBeLessThan(beside / 2);
    });
    steps.restart();
    await repository.tag(
      "v1",
      Array.from({ length: 50 }, (_, at) => `many-${at}`),
    );
    expect(writes()).toBe(1);
  });
});

describe("waiting", () => {
  test("W10: two instances on one directory see and keep what the other has done", async () => {
    const { directory, repository } = await opened();
    const second = await openLayout(directory);
    onTestFinished(() => second.close());
    const other = second.repository();
    await Promise.all(
      [repository, other].flatMap((each, instance) =>
        [1, 2, 3, 4].map((at) =>
          each.session((session) => putImage(session, `${instance}-${at}`, { tag: `${instance}-${at}` })),
        ),
      ),
    );
    expect(await tagsOf(repository)).toEqual(await tagsOf(other));
    expect(Object.keys(await tagsOf(other))).toHaveLength(8);
    await repository.delete("1-1");
    expect(await other.find("1-1")).toBeUndefined();
    await other.tag("0-1", "again");
    await repository.untag("0-1");
    await repository.delete("0-2");
    expect(await errorsOf(second)).toEqual([]);
    expect((await repository.manifest("again")).layers).toHaveLength(1);
  });

  test("W12: to open a store and resolve a tag costs the same, however many manifests there are", async () => {
    const { world: made } = await world();
    const cost = async () => {
      const counting = faultyFileSystem(made.disk);
      const { repository } = await made.actor({}, () => counting);
      await repository.resolve("v1");
      // One file may take several reads.
      return counting.calls.filter(({ name }) => name !== "read").length;
    };
    await cost();
    const few = await cost();
    const { repository } = await made.actor();
    await repository.session(async (session) => {
      for (let at = 0; at < 30; at++) await putImage(session, `image-${at}`, { tag: `image-${at}` });
    });
    expect(await cost()).toBe(few);
  });

  test("W14: a push that takes its time keeps nobody waiting, and a collection beside it takes nothing of it", async () => {
    const { store, repository } = await opened();
    await repository.session(async (session) => {
      await putImage(session, "old", { tag: "old" });
      await putImage(session, "kept", { tag: "kept" });
    });
    let go!: () => void;
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    let begun!: () => void;
    const isUnderWay = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const slow = repository.session(async (session) => {
      const first = await session.putBlob(bytes("first layer"));
      const second = await session.putBlob({
        stream: (async function* () {
          yield bytes("second");
          begun();
          await held;
          yield bytes(" layer");
        })(),
      });
      await putImage(session, "slow", { tag: "slow", layers: [first, second] });
    });
    await isUnderWay;
    await repository.tag("kept", "beside");
    await repository.delete("old");
    await store.collect({ grace: 0 });
    expect((await repository.manifest("kept")).layers).toHaveLength(1);
    go();
    await slow;
    expect(Object.keys(await tagsOf(repository))).toEqual(["beside", "kept", "slow"]);
    expect(await errorsOf(store)).toEqual([]);
  });
});

test("W15: plans that change nothing, sizes, a grace, and rules by which tags go", async () => {
  const { directory, store, repository } = await opened();
  const layer = await repository.session(async (session) => {
    const shared = await session.putBlob(bytes("shared"));
    await putImage(session, "one", { tag: "one", layers: [shared, await session.putBlob(bytes("its own"))] });
    await putImage(session, "two", { tag: "two", layers: [shared] });
    return shared;
  });
  const before = await snapshot(directory);
  const plan = await repository.planDelete("one");
  expect(plan.items.every(({ reason, size }) => reason !== "" && size > 0)).toBe(true);
  expect(plan.kept).toContainEqual(expect.objectContaining({ digest: layer.digest, because: "live" }));
  expect((await store.planCollect()).items).toEqual([]);
  expect(await snapshot(directory)).toEqual(before);
  const { roots, garbage } = await store.usage();
  expect(garbage).toBe(0);
  for (const { size, unique, shared } of roots) expect([unique + shared, shared > 0]).toEqual([size, true]);

  await repository.untag("one");
  expect(await store.collect()).toMatchObject({ removed: 0 });
  expect((await store.usage()).garbage).toBeGreaterThan(0);
  expect((await store.collect({ grace: 0 })).removed).toBeGreaterThan(0);
  expect((await store.usage()).garbage).toBe(0);
  await store.setPolicy({ ...(await store.policy()), retention: [{ match: ["t*"], keep: "none" }] });
  await store.collect({ grace: 0 });
  expect(await tagsOf(repository)).toEqual({});
});

describe("on every backend", () => {
  /** What somebody might write for a document behind `If-Match`: no lock, and one moment late now and then. */
  function conditional(): DocumentCell<Awaited<ReturnType<ReturnType<typeof memoryCell>["load"]>>["state"], Draft> {
    const inner = memoryCell(systemEnvironment, { grace: 0, window: 0, wait: 0 });
    let writes = 0;
    return {
      ...inner,
      exclusive: (fn) => fn(),
      replace: async (...args) => ++writes % 3 !== 0 && inner.replace(...args),
    };
  }
  async function deletesAndCollects(store: Store): Promise<void> {
    const repository = store.repository();
    const stored = async () => {
      const found = new Set<Digest>();
      for await (const { digest } of store.parts.blobs.list()) found.add(digest);
      return found.size;
    };
    const { children } = await repository.session(async (session) => {
      const shared = await session.putBlob(bytes("shared"));
      const children = [
        await putImage(session, "a", { layers: [shared] }),
        await putImage(session, "b", { layers: [shared, await session.putBlob(bytes("only b"))] }),
      ];
      const index = await session.putManifest(packIndex({ manifests: children }), { tags: ["index"] });
      await putImage(session, "signature", { subject: index });
      await putImage(session, "beside", { tag: "beside", layers: [shared] });
      return { children };
    });
    expect(await repository.predecessors(children[0]!)).toHaveLength(1);
    await repository.delete("index");
    expect(Object.keys(await tagsOf(repository))).toEqual(["beside"]);
    // The image beside, its config, and the layer that was shared.
    expect(await stored()).toBe(3);
    await repository.untag("beside");
    await store.collect({ grace: 0 });
    expect(await stored()).toBe(0);
    expect(await errorsOf(store)).toEqual([]);
  }

  test("a layout", async () => deletesAndCollects((await opened()).store));

  test("W22: a store in memory deletes and collects as a layout does", async () =>
    deletesAndCollects(await openMemory()));

  test("W21: so does one over bytes and a document of one's own", async () => {
    const env = systemEnvironment;
    const catalog = new CellCatalog(conditional(), { facts: recordedFacts, env, window: true });
    await deletesAndCollects(await openStore({ blobs: new MemoryBlobs(env, { generations: true }), catalog, env }));
  });
});
