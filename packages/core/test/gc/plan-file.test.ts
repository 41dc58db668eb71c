import { describe, expect, test } from "vitest";
import { type Digest, type Plan, planLines, readPlan } from "../../src/index.ts";
import { image, index, open, utf8 } from "./support.ts";

async function* inPiecesOf(length: number, text: string) {
  const bytes = utf8(text);
  for (let from = 0; from < bytes.length; from += length) yield bytes.subarray(from, from + length);
}
const read = (text: string) => readPlan(inPiecesOf(64 * 1024, text));

async function somePlan(): Promise<Plan> {
  const { app } = await open();
  const child = await image(app, ["a", "b"]);
  await index(app, [child], { tags: ["latest"] });
  return app.planDelete("latest", { children: "keep" });
}

test.each([1, 7, 64, 100_000])("a plan is read back as it was written, in pieces of %i bytes", async (length) => {
  const plan = await somePlan();
  expect(plan.items.length).toBeGreaterThan(0);
  expect(plan.header.changes[0]?.steps.length).toBeGreaterThan(1);
  const again = await readPlan(inPiecesOf(length, [...planLines(plan)].join("")));
  expect(again).toEqual({ ...plan, kept: [] });
});

test("the plan of a collection, with its time", async () => {
  const { store, app } = await open();
  await image(app, ["a"], { tags: ["t"] });
  await app.untag("t");
  const plan = await store.planCollect({ grace: 0 });
  const again = await read([...planLines(plan)].join(""));
  expect(again.header.before).toBe(plan.header.before);
  expect(again).toEqual({ ...plan, kept: [] });
});

describe("a hostile plan is refused", () => {
  const digest = `sha256:${"0".repeat(64)}` as Digest;
  const header = {
    plan: "ocistore/1",
    id: "0123456789abcdef",
    store: "s",
    created: 1,
    kind: "delete",
    changes: [{ repository: "", steps: [{ do: "untag", name: "t", expect: digest }] }],
    hold: 0,
  };
  const item = { digest, size: 1, generation: "", kind: "blob", reason: "r" };
  const file = (...lines: readonly unknown[]) => `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`;
  const withStep = (step: unknown) => file({ ...header, changes: [{ repository: "", steps: [step] }] });

  test("and this one is not", async () => {
    expect((await read(file(header, item))).items).toEqual([item]);
  });

  test.each([
    ["nothing", ""],
    ["another format", file({ ...header, plan: "ocistore/2" })],
    ["no id", file({ ...header, id: undefined })],
    ["an id that is a path", file({ ...header, id: "../../etc" })],
    ["a store that is no text", file({ ...header, store: 1 })],
    ["a time that is text", file({ ...header, created: "1" })],
    ["an unknown kind", file({ ...header, kind: "everything" })],
    ["a hold that is text", file({ ...header, hold: "0" })],
    ["a before that is text", file({ ...header, before: "0" })],
    ["changes that are no list", file({ ...header, changes: {} })],
    ["a change of no repository", file({ ...header, changes: [{ steps: [] }] })],
    ["a change that is null", file({ ...header, changes: [null] })],
    ["steps that are no list", file({ ...header, changes: [{ repository: "", steps: "untag" }] })],
    ["a step that is null", withStep(null)],
    ["a step that puts", withStep({ do: "put", manifest: { ...item, mediaType: "a/b", edges: [], pushed: 1 } })],
    ["a step that puts what is a digest", withStep({ do: "put", manifest: digest })],
    ["a step that tags", withStep({ do: "tag", name: "latest", to: digest })],
    ["a step that pins", withStep({ do: "pin", name: "p", digest })],
    ["a step that unpins", withStep({ do: "unpin", name: "p" })],
    ["a step that unlinks", withStep({ do: "unlink", blob: digest })],
    ["a step of no kind", withStep({})],
    ["an untag that expects nothing", withStep({ do: "untag", name: "t" })],
    ["an untag of no name", withStep({ do: "untag", expect: digest })],
    ["a removal of what is no digest", withStep({ do: "remove", manifest: "../x", tags: [] })],
    ["a removal that says of no tag whether it may go", withStep({ do: "remove", manifest: digest })],
    ["a removal with tags that are no texts", withStep({ do: "remove", manifest: digest, tags: [1] })],
    ["a drop of what is no digest", withStep({ do: "drop", manifest: 1 })],
    ["an item of no digest", file(header, { ...item, digest: "sha256:../x" })],
    ["an item of a negative size", file(header, { ...item, size: -1 })],
    ["an item of half a byte", file(header, { ...item, size: 0.5 })],
    ["an item of an unknown kind", file(header, { ...item, kind: "tag" })],
    ["an item of no generation", file(header, { ...item, generation: undefined })],
    ["an item of no reason", file(header, { ...item, reason: undefined })],
    ["a line that is a list", file(header, [item])],
    ["a line that is no JSON", `${file(header)}rm -rf\n`],
    ["a line twice over", `${file(header).trimEnd()}${file(header)}`],
    ["a key twice", `{"plan":"ocistore/1",${file(header).slice(1)}`],
  ])("%s", async (_, text) => {
    await expect(read(text)).rejects.toMatchObject({
      code: expect.stringMatching(/^(MANIFEST_INVALID|MANIFEST_TOO_LARGE)$/),
    });
  });

  test("a line of 10 MB of text where a name should be is one that does nothing", async () => {
    const long = "x".repeat(10 * 1024 * 1024);
    await expect(read(file({ ...header, id: long }))).rejects.toMatchObject({ code: "MANIFEST_INVALID" });
  });

  test("10 MB of brackets do not exhaust the stack", async () => {
    await expect(read("[".repeat(10 * 1024 * 1024))).rejects.toMatchObject({ code: "MANIFEST_INVALID" });
  });

  test("what is in a plan besides is not passed on to the catalog", async () => {
    const { store, app } = await open();
    const stored = await image(app, ["a"], { tags: ["t"] });
    const plan = await app.planDelete("t");
    const [first, ...rest] = [...planLines(plan)];
    const forged = { ...JSON.parse(first!), signal: "now", epoch: 7, run: "other" };
    await store.apply(await read([`${JSON.stringify(forged)}\n`, ...rest].join("")));
    expect(await app.find(stored)).toBeUndefined();
  });
});

test("the plan of another store is refused, and nothing is done", async () => {
  const [one, other] = [await open(), await open()];
  const pushed = await image(one.app, ["a"], { tags: ["t"] });
  await image(other.app, ["a"], { tags: ["t"] });
  await one.clock.advance(1);
  const plan = await one.app.planDelete("t");
  const foreign = { ...plan, header: { ...plan.header, store: "another" } };
  await expect(one.store.apply(foreign)).rejects.toMatchObject({ code: "CONFLICT" });
  expect(await one.app.find("t")).toMatchObject({ digest: pushed.digest });
});
