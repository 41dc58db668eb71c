import { describe, expect, test } from "vitest";
import { initLayout } from "../../src/index.ts";
import { bytes } from "../support/bytes.ts";
import { errorsOf, furnish, putImage, tagsOf } from "../support/content.ts";
import { memoryPlace, places } from "../support/file-systems.ts";
import { World } from "../support/world.ts";

describe.each(places)("two that want different things, on %s", (_, make) => {
  test("R9: a tag that moved since the plan is not taken", async () => {
    const world = await World.make(await make());
    const { v2 } = await furnish(world);
    const [d, p] = [await world.actor(), await world.actor()];
    const plan = await d.repository.planDelete("v1");
    await p.repository.tag("v2", "v1");
    await expect(d.store.apply(plan)).rejects.toMatchObject({ code: "CONFLICT" });
    expect((await tagsOf(p.repository)).v1).toBe(v2);
    expect(await errorsOf(p.store)).toEqual([]);
  });

  test("what a plan takes is pushed again while the plan is applied", async () => {
    const world = await World.make(await make());
    await furnish(world);
    const [d, p] = [await world.actor(), await world.actor()];
    // The tag has gone, the bytes have not yet.
    const gate = d.steps.pauseBefore(({ name, to = "" }) => name === "rename" && to.endsWith("/index.json"));
    const deleting = d.repository.delete("v1");
    await gate.reached(deleting);
    const condemning = d.steps.pauseBefore(({ name, path }) => name === "link" && path.includes("/lock/"));
    gate.open();
    await condemning.reached(deleting);
    await p.repository.session(async (session) => {
      const layers = [await session.putBlob(bytes("layer of v1"))];
      await putImage(session, "again", { tag: "again", layers });
    });
    condemning.open();
    await deleting;
    expect(await errorsOf(p.store)).toEqual([]);
    expect(Object.keys(await tagsOf(p.repository))).toEqual(["again", "multi", "v2"]);
  });
});

test("two make one layout: who comes late does not empty it again", async () => {
  for (let call = 1; call < 40; call++) {
    const world = new World(await memoryPlace());
    const [late, early] = [await world.stranger(), await world.stranger()];
    const init = ({ fs }: typeof late) => initLayout(world.directory, { fs, env: world.clock, keep: true });
    const gate = late.steps.pauseBefore(({ number }) => number === call);
    const making = init(late);
    const missed = await gate.reached(making).then(
      () => false,
      () => true,
    );
    await init(early);
    const p = await world.actor();
    const identity = await p.store.planCollect();
    await p.repository.session((session) => putImage(session, "n", { tag: "n" }));
    gate.open();
    await making;
    expect(Object.keys(await tagsOf(p.repository)), `late before call ${call}`).toEqual(["n"]);
    expect(await errorsOf(p.store)).toEqual([]);
    expect((await p.store.planCollect()).header.store).toBe(identity.header.store);
    if (missed) break;
  }
});

test("a directory that has an index.json with entries and no oci-layout is not made empty", async () => {
  const world = await World.make(await memoryPlace());
  await furnish(world);
  await world.disk.unlink(world.paths.ociLayout);
  const before = await world.foreign().readIndex();
  const making = initLayout(world.directory, { fs: world.disk, env: world.clock, keep: true });
  await expect(making).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  expect(await world.foreign().readIndex()).toEqual(before);
});
