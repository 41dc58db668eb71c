import { expect, test } from "vitest";
import { type CellFacts, type Digest, OciStoreError, recordedFacts } from "../../src/index.ts";
import { all, contents, HOUR, image, index, open } from "./support.ts";

/** Facts of which one manifest cannot be read, once it is named. */
function damagedFacts() {
  const damaged = new Set<Digest>();
  const facts: CellFacts = {
    ...recordedFacts,
    glances: async (draft, repository, digests, o) => {
      const looks = await recordedFacts.glances(draft, repository, digests, o);
      return looks.map(({ glance }) => ({
        glance: glance && damaged.has(glance.digest) ? { ...glance, stamp: -1 } : glance,
      }));
    },
    record: async (draft, repository, digest, o) => {
      const record = await recordedFacts.record(draft, repository, digest, o);
      if (record && damaged.has(digest)) throw new OciStoreError("CORRUPT", `${digest} cannot be read`, { digest });
      return record;
    },
  };
  return { facts, damaged };
}

test("while a live manifest cannot be read nothing is collected, and the plan says because of which", async () => {
  const { facts, damaged } = damagedFacts();
  const { store, app, clock } = await open({ facts });
  const kept = await image(app, ["kept"], { tags: ["kept"] });
  await image(app, ["garbage"], { tags: ["garbage"] });
  await app.untag("garbage");
  clock.advance(2 * HOUR);
  damaged.add(kept.digest);
  const before = await contents(store);
  const plan = await store.planCollect({ grace: 0 });
  expect(plan.items).toEqual([]);
  expect(plan.kept.length).toBeGreaterThan(0);
  for (const { because, heldBy } of plan.kept) {
    expect(because).toBe("unreadable");
    expect(heldBy).toEqual([expect.stringContaining(kept.digest)]);
  }
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 0 });
  expect(await contents(store)).toEqual(before);

  damaged.clear();
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 2, kept: [] });
  expect(await contents(store)).toContain("kept");
});

test("a deletion takes the tag, and leaves the bytes, while another live manifest cannot be read", async () => {
  const { facts, damaged } = damagedFacts();
  const { store, app } = await open({ facts });
  const kept = await image(app, ["kept"], { tags: ["kept"] });
  await image(app, ["going"], { tags: ["going"] });
  damaged.add(kept.digest);
  const before = await contents(store);
  const plan = await app.planDelete("going");
  expect(plan.items).toEqual([]);
  expect(plan.kept.map(({ because }) => because)).toContain("unreadable");
  await store.apply(plan);
  expect(await contents(store)).toEqual(before);
  expect((await all(app.tags())).map(({ name }) => name)).toEqual(["kept"]);
});

test("what became unreadable after the plan was made stops its application too", async () => {
  const { facts, damaged } = damagedFacts();
  const { store, app } = await open({ facts });
  const kept = await image(app, ["kept"], { tags: ["kept"] });
  await image(app, ["going"], { tags: ["going"] });
  await app.untag("going");
  const plan = await store.planCollect({ grace: 0 });
  expect(plan.items.map(({ kind }) => kind)).toEqual(["manifest", "blob"]);
  damaged.add(kept.digest);
  expect(await store.apply(plan)).toMatchObject({ removed: 0, skipped: 2 });
});

test("what became unreadable after something was condemned stops its erasure too", async () => {
  const { facts, damaged } = damagedFacts();
  const { store, app, catalog, clock } = await open({ facts, policy: { window: HOUR } });
  const kept = await image(app, ["kept"], { tags: ["kept"] });
  await image(app, ["going"], { tags: ["going"] });
  await app.delete("going");
  damaged.add(kept.digest);
  clock.advance(2 * HOUR);
  const erase = async () => {
    throw new Error("erased while anything may be named");
  };
  expect(await catalog.purge(erase, { due: clock.now(), limit: 10 })).toEqual({ purged: [], revived: [] });
  damaged.clear();
  expect(await store.collect()).toMatchObject({ removed: 2 });
});

test("a garbage manifest that cannot be read holds nothing, and goes", async () => {
  const { facts, damaged } = damagedFacts();
  const { store, app } = await open({ facts });
  await image(app, ["kept"], { tags: ["kept"] });
  const garbage = await image(app, ["garbage"], { tags: ["garbage"] });
  await app.untag("garbage");
  damaged.add(garbage.digest);
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 2, kept: [] });
  expect(await contents(store)).toContain("kept");
});

test("a child that is absent on purpose stops nothing", async () => {
  const { store, app } = await open();
  const elsewhere = await open();
  const absent = await image(elsewhere.app, ["absent"]);
  const there = await image(app, ["there"]);
  await index(app, [there, absent], { tags: ["sparse"], sparse: true });
  await image(app, ["garbage"], { tags: ["garbage"] });
  await app.untag("garbage");
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 2, kept: [] });
  expect(await contents(store)).toContain("there");
  expect(await all(store.check())).toEqual([]);
});

test("without the word for it an index of an absent child is refused, with what is missing", async () => {
  const { app } = await open();
  const absent = await image((await open()).app, ["absent"]);
  await expect(index(app, [absent], { tags: ["latest"] })).rejects.toMatchObject({
    code: "MISSING_CONTENT",
    data: { digests: [absent.digest] },
  });
  expect(await app.find("latest")).toBeUndefined();
});
