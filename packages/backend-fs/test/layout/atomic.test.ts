import { digestOf, type Plan } from "@ocistore/core";
import { describe, expect, test } from "vitest";
import { errorsOf, putImage, tagsOf } from "../support/content.ts";
import { memoryPlace, places } from "../support/file-systems.ts";
import type { Entry } from "../support/foreign-tool.ts";
import { leftOver } from "../support/left-over.ts";
import { type Actor, HOUR, World } from "../support/world.ts";

async function pinsOf({ store }: Actor): Promise<Record<string, string>> {
  const pins: Record<string, string> = {};
  for await (const { name, digest } of store.parts.catalog.pins("")) pins[name] = digest;
  return pins;
}

/** `p` is pinned to an image that nothing else keeps, and is to move to another, which is `b` and `x`. */
async function pinned(make: (typeof places)[number][1]) {
  const world = await World.make(await make());
  const actor = await world.actor();
  const [was, next] = await actor.repository.session(async (session) => [
    await putImage(session, "was", { tag: "a" }),
    await putImage(session, "next", { tag: "b" }),
  ]);
  await actor.repository.tag("b", "x");
  await actor.repository.pin("a", "p");
  await actor.repository.untag("a");
  world.clock.advance(2 * HOUR);
  return { world, actor, was, next };
}

/** Moves the pin and takes `x` away in one change; before index.json is replaced, another tool writes it. */
async function raced(at: Awaited<ReturnType<typeof pinned>>, edit: (entries: readonly Entry[]) => readonly Entry[]) {
  const { world, actor, next } = at;
  const gate = actor.steps.pauseBefore(({ name, path }) => name === "open" && path.endsWith("index.json.new"));
  const changing = actor.store.parts.catalog.change("", [
    { do: "pin", name: "p", digest: next.digest },
    { do: "tag", name: "y", to: next.digest },
    { do: "untag", name: "x", expect: next.digest },
  ]);
  changing.catch(() => {});
  await gate.reached(changing);
  const tool = world.foreign();
  await tool.writeIndex(edit(await tool.readIndex()));
  gate.open();
  return changing;
}

const REF_NAME = "org.opencontainers.image.ref.name";

describe.each(places)("a change of pins and tags against another tool, on %s", (_, make) => {
  test("that makes it impossible: nothing of it is in effect", async () => {
    const at = await pinned(make);
    const without = (entries: readonly Entry[]) => entries.filter((entry) => entry.annotations?.[REF_NAME] !== "x");
    await expect(raced(at, without)).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await pinsOf(at.actor)).toEqual({ p: at.was.digest });
    expect(Object.keys(await tagsOf(at.actor.repository))).toEqual(["b"]);
    const other = await at.world.actor();
    expect(await other.store.collect({ grace: 0 })).toMatchObject({ removed: 0 });
    expect(digestOf(await other.repository.bytes(at.was))).toBe(at.was.digest);
    expect(await errorsOf(other.store)).toEqual([]);
  });

  test("that is no hindrance: all of it is, and what the tool wrote", async () => {
    const at = await pinned(make);
    const more = (entries: readonly Entry[]): Entry[] => [
      ...entries,
      { ...entries[0]!, annotations: { [REF_NAME]: "foreign" } },
    ];
    await raced(at, more);
    expect(await pinsOf(at.actor)).toEqual({ p: at.next.digest });
    expect(Object.keys(await tagsOf(at.actor.repository))).toEqual(["b", "foreign", "y"]);
    const other = await at.world.actor();
    // It lost its pin a moment ago.
    expect(await other.store.collect()).toMatchObject({ removed: 0 });
    expect(digestOf(await other.repository.bytes(at.was))).toBe(at.was.digest);
    await other.store.collect({ grace: 0 });
    expect(await other.repository.find(at.was.digest)).toBeUndefined();
    expect(await errorsOf(other.store)).toEqual([]);
  });
});

test("a change of pins and tags that is killed anywhere: what held before holds, or what holds afterwards", async () => {
  const change = async ({ actor, was, next }: Awaited<ReturnType<typeof pinned>>) =>
    actor.store.parts.catalog.change("", [
      { do: "pin", name: "p", digest: next.digest },
      { do: "tag", name: "y", to: was.digest },
      { do: "untag", name: "b", expect: next.digest },
    ]);
  const whole = await pinned(memoryPlace);
  const before = whole.actor.steps.done.length;
  await change(whole);
  const numbers = whole.actor.steps.done.slice(before).flatMap((step) => (step.changes ? [step.number] : []));
  expect(numbers.length).toBeGreaterThan(4);
  for (const number of numbers) {
    const at = await pinned(memoryPlace);
    at.actor.steps.diesAt = number;
    await Promise.race([change(at), at.actor.steps.died]);
    at.actor.die();
    const other = await at.world.actor();
    await other.store.collect({ grace: 0 });
    for (const { digest } of [at.was, at.next]) {
      expect(await other.repository.find(digest), `killed before call ${number}`).toBeDefined();
    }
    expect(await errorsOf(other.store)).toEqual([]);
  }
});

describe("a plan of a deletion that was interrupted after its change", () => {
  async function planned(): Promise<{ world: World; actor: Actor; plan: Plan }> {
    const world = await World.make(await memoryPlace());
    const actor = await world.actor();
    await actor.repository.session(async (session) => {
      const subject = await putImage(session, "going", { tag: "v1" });
      await putImage(session, "signature", { subject });
      await putImage(session, "stays", { tag: "other" });
    });
    return { world, actor, plan: await actor.repository.planDelete("v1") };
  }

  test.each(["by a failure", "by a signal"])("%s frees all when it is applied again", async (how) => {
    const { world, actor, plan } = await planned();
    const { catalog } = actor.store.parts;
    const condemn = catalog.condemn.bind(catalog);
    const controller = new AbortController();
    const reason = new Error("enough");
    let calls = 0;
    catalog.condemn = async (items, o) => {
      if (++calls > 1) return condemn(items, o);
      if (how === "by a failure") throw reason;
      controller.abort(reason);
      return condemn(items, o);
    };
    await expect(actor.store.apply(plan, { signal: controller.signal })).rejects.toBe(reason);
    expect(await tagsOf(actor.repository)).not.toHaveProperty("v1");
    for (const { digest } of plan.items) expect(await world.foreign().has(digest)).toBe(true);

    const again = await world.actor();
    expect(await again.store.apply(plan)).toMatchObject({ removed: plan.items.length, skipped: 0 });
    for (const { digest } of plan.items) expect(await world.foreign().has(digest)).toBe(false);
    expect(Object.keys(await tagsOf(again.repository))).toEqual(["other"]);
    expect(await errorsOf(again.store)).toEqual([]);
    expect(await leftOver(world)).toEqual([]);
  });

  test("does not take a tag that has come back meanwhile", async () => {
    const { actor, plan } = await planned();
    const { catalog } = actor.store.parts;
    const condemn = catalog.condemn.bind(catalog);
    catalog.condemn = async () => {
      throw new Error("enough");
    };
    await expect(actor.store.apply(plan)).rejects.toThrow("enough");
    catalog.condemn = condemn;
    await actor.repository.tag(plan.items[0]!.digest, "rescued");
    await actor.store.apply(plan).catch(() => {});
    expect(digestOf(await actor.repository.bytes("rescued"))).toBe(plan.items[0]!.digest);
    expect(await errorsOf(actor.store)).toEqual([]);
  });
});
