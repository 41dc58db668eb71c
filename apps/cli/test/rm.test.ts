import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cli, sample, snapshot, withStore } from "./harness.ts";

const digestsOf = (lines: readonly Record<string, unknown>[]) => lines.map(({ removed }) => removed).filter(Boolean);

test("by tag: all that only it held, and the contract of scripts", async () => {
  const { cwd, directory, shared, own, amd64, arm64, v1, signature } = await sample();
  const { exit, json, err } = await cli(["rm", "--yes", "oci:store:v1", "--json"], { cwd });
  expect(exit).toBe(0);
  const summary = json.at(-1)!;
  const removed = json.slice(0, -1);
  expect(removed.every((line) => Object.keys(line).join() === "removed,size,kind,reason")).toBe(true);
  expect(removed[0]).toEqual({ removed: v1.digest, size: v1.size, kind: "manifest", reason: "deleted as v1" });
  expect(digestsOf(removed)).toEqual(
    expect.arrayContaining([v1, amd64, arm64, signature, own].map(({ digest }) => digest)),
  );
  expect(digestsOf(removed)).not.toContain(shared.digest);
  const bytes = removed.reduce((sum, { size }) => sum + (size as number), 0);
  expect(summary).toEqual({ summary: { removed: removed.length, bytes, kept: 2 } });
  expect(err).toContain(`{"untagged":"v1","digest":"${v1.digest}"}`);
  expect(err).toContain(`{"kept":"${shared.digest}","size":23,"because":"live","heldBy":[`);
  await withStore(directory, async (store) => {
    expect(await store.repository().find("v1")).toBeUndefined();
    expect(await store.repository().find("v2")).toBeDefined();
  });
});

test("text: a line for each digest, then the sum", async () => {
  const { cwd, v1 } = await sample();
  const { out } = await cli(["rm", "--yes", "oci:store:v1"], { cwd });
  const lines = out.trimEnd().split("\n");
  expect(lines[0]).toBe(`removed ${v1.digest}  manifest  ${v1.size} B  deleted as v1`);
  expect(lines.at(-1)).toMatch(/^removed 7 digests, [\d.]+ kB freed; kept 2$/);
});

test("-n prints the very lines of the real run, and changes nothing", async () => {
  const { cwd, directory } = await sample();
  for (const flags of [[], ["--json"]]) {
    const before = await snapshot(directory);
    const dry = await cli(["rm", "-n", "oci:store:v1", ...flags], { cwd });
    expect(dry.exit).toBe(0);
    expect(await snapshot(directory)).toEqual(before);
    const again = await sample();
    const real = await cli(["rm", "--yes", "oci:store:v1", ...flags], { cwd: again.cwd });
    const lines = (text: string) => text.trimEnd().split("\n");
    expect(lines(dry.out).slice(0, -1)).toEqual(lines(real.out).slice(0, -1));
    expect(dry.err).toBe(real.err);
    const expected =
      flags.length > 0 ? lines(real.out).at(-1)!.replace("}}", ',"dryRun":true}}') : expect.stringContaining("dry run");
    expect(lines(dry.out).at(-1)).toEqual(expected);
  }
});

test("without --yes and without a terminal nothing happens: 2", async () => {
  const { cwd, directory } = await sample();
  const before = await snapshot(directory);
  const { exit, out, err } = await cli(["rm", "oci:store:v1"], { cwd });
  expect({ exit, out }).toEqual({ exit: 2, out: "" });
  expect(err).toBe("ocistore: nobody is there to be asked — --yes to do it, -n to see what it would do\n");
  expect(await snapshot(directory)).toEqual(before);
});

test("on a terminal it shows the plan and asks", async () => {
  const { cwd, directory, v1 } = await sample();
  const before = await snapshot(directory);
  for (const typed of ["n\n", "\n", "", "maybe\n"]) {
    const no = await cli(["rm", "oci:store:v1"], { cwd, typed });
    expect({ exit: no.exit, out: no.out }).toEqual({ exit: 2, out: "" });
    expect(no.err).toContain(v1.digest);
    expect(no.err).toContain("to be removed. Go on? [y/N]");
    expect(no.err).toContain("not done, as you did not say yes");
  }
  expect(await snapshot(directory)).toEqual(before);
  const yes = await cli(["rm", "oci:store:v1"], { cwd, typed: "y\n" });
  expect(yes.exit).toBe(0);
  expect(yes.out).toContain("removed 7 digests");
});

test("a second tag keeps the manifest, and it says so", async () => {
  const { cwd, v1 } = await sample();
  await cli(["tag", "oci:store:v1", "latest"], { cwd });
  const { exit, json, err } = await cli(["rm", "--yes", "oci:store:v1", "--json"], { cwd });
  expect(exit).toBe(0);
  expect(json).toEqual([{ summary: { removed: 0, bytes: 0, kept: 1 } }]);
  expect(err).toContain(`{"kept":"${v1.digest}","size":${v1.size},"because":"live","heldBy":["tag latest"]}`);
  const text = await cli(["rm", "-n", "oci:store:latest"], { cwd });
  expect(text.err).toContain("the tag latest goes");
});

test("by digest: its tags go with it", async () => {
  const { cwd, v1 } = await sample();
  await cli(["tag", "oci:store:v1", "latest"], { cwd });
  const { exit, err } = await cli(["rm", "--yes", `oci:store@${v1.digest}`], { cwd });
  expect(exit).toBe(0);
  expect(err).toContain("the tag latest goes");
  expect(err).toContain("the tag v1 goes");
  expect((await cli(["ls", "oci:store", "--json"], { cwd })).json.map(({ ref }) => ref)).toEqual(["v2"]);
});

test("what is in use is refused, with who holds it and how to ask why: 2", async () => {
  const { cwd, amd64, v1 } = await sample();
  const { exit, out, err } = await cli(["rm", "--yes", `oci:store@${amd64.digest}`, "--json"], { cwd });
  expect({ exit, out }).toEqual({ exit: 2, out: "" });
  expect(JSON.parse(err).error).toMatchObject({
    code: "IN_USE",
    digest: amd64.digest,
    holders: expect.arrayContaining([v1.digest]),
    why: `ocistore why oci:store@${amd64.digest}`,
  });
  const both = await cli(["rm", "--yes", `oci:store@${amd64.digest}`, "oci:store:v1"], { cwd });
  expect(both.exit).toBe(0);
});

test("what is not there: 3, unless that is no failure", async () => {
  const { cwd } = await sample();
  const missing = await cli(["rm", "--yes", "oci:store:nope", "oci:store:v1"], { cwd });
  expect({ exit: missing.exit, err: missing.err }).toEqual({
    exit: 3,
    err: "ocistore: nope is not in store — `ocistore ls oci:store` says what is\n",
  });
  for (const flags of [["-f"], ["--yes", "--ignore-missing"]]) {
    const { exit, json } = await cli(["delete", ...flags, "oci:store:nope", "--json"], { cwd });
    expect({ exit, json }).toEqual({ exit: 0, json: [{ summary: { removed: 0, bytes: 0, kept: 0 } }] });
  }
  expect((await cli(["rm", "-f", "oci:store:nope", "oci:store:v1"], { cwd })).out).toContain("removed 7 digests");
  expect((await cli(["rm", "-f", "oci:nowhere:v1"], { cwd })).exit).toBe(3);
});

test("-f takes nothing that is in use", async () => {
  const { cwd, directory, amd64 } = await sample();
  const before = await snapshot(directory);
  const { exit, out, err } = await cli(["rm", "-f", `oci:store@${amd64.digest}`, "--json"], { cwd });
  expect({ exit, out }).toEqual({ exit: 2, out: "" });
  expect(JSON.parse(err).error.code).toBe("IN_USE");
  expect(await snapshot(directory)).toEqual(before);
});

test("the start of a digest is too little", async () => {
  const { cwd, v1 } = await sample();
  expect((await cli(["rm", "--yes", `oci:store@${v1.digest.slice(0, 20)}`], { cwd })).exit).toBe(2);
});

test("two stores are not one deletion", async () => {
  const { cwd } = await sample();
  const { exit, err } = await cli(["rm", "--yes", "oci:store:v1", "oci:other:v1"], { cwd });
  expect(exit).toBe(2);
  expect(err).toContain("two stores");
});

test("--keep-children, --referrers", async () => {
  const { cwd, amd64, arm64, signature } = await sample();
  const { json } = await cli(["rm", "--yes", "--keep-children", "oci:store:v1", "--json"], { cwd });
  expect(digestsOf(json)).toContain(signature.digest);
  const left = (await cli(["ls", "oci:store", "--json"], { cwd })).json;
  expect(left.map(({ digest }) => digest).slice(1)).toEqual([amd64.digest, arm64.digest].sort());

  const other = await sample();
  await cli(["tag", `oci:store@${other.signature.digest}`, "sig"], { cwd: other.cwd });
  const held = await cli(["rm", "-n", "oci:store:v1", "--json"], { cwd: other.cwd });
  expect(held.json).toEqual([{ summary: { removed: 0, bytes: 0, kept: 1, dryRun: true } }]);
  const all = await cli(["rm", "--yes", "--referrers", "oci:store:v1", "--json"], { cwd: other.cwd });
  expect(digestsOf(all.json)).toContain(other.signature.digest);
});

test("--window: condemned, and said so", async () => {
  const { cwd, v1 } = await sample();
  const dry = await cli(["rm", "-n", "--window", "1d", "oci:store:v1", "--json"], { cwd });
  const { exit, json } = await cli(["rm", "--yes", "--window", "1d", "oci:store:v1", "--json"], { cwd });
  expect(exit).toBe(0);
  expect(json[0]).toEqual({ condemned: v1.digest, size: v1.size, kind: "manifest", reason: "deleted as v1" });
  expect(json.at(-1)).toMatchObject({ summary: { removed: 0, bytes: 0, kept: 2, condemned: 7 } });
  expect(dry.json.slice(0, -1)).toEqual(json.slice(0, -1));
  const why = await cli(["why", `oci:store@${v1.digest}`, "--json"], { cwd });
  expect(why.json).toEqual([{ digest: v1.digest, kept: false, condemnedUntil: expect.any(String) }]);
  expect((await cli(["rm", "-n", "--window", "soon", "oci:store:v2"], { cwd })).exit).toBe(2);
});

test("a saved plan does what it says, and no more", async () => {
  const { cwd, directory } = await sample();
  const before = await snapshot(directory);
  const saved = await cli(["rm", "oci:store:v1", "--save-plan", "plan", "--json"], { cwd });
  expect(saved.exit).toBe(0);
  expect(saved.json.at(-1)).toMatchObject({ summary: { removed: 7, dryRun: true } });
  expect(await snapshot(directory)).toEqual(before);

  expect((await cli(["rm", "--apply", "plan", "oci:store"], { cwd })).exit).toBe(2);
  expect((await cli(["rm", "--apply", "plan", "--referrers", "oci:store", "--yes"], { cwd })).exit).toBe(2);
  expect((await cli(["gc", "--apply", "plan", "oci:store", "--yes"], { cwd })).exit).toBe(2);
  const applied = await cli(["rm", "--yes", "--apply", "plan", "oci:store", "--json"], { cwd });
  expect(applied.exit).toBe(0);
  expect(digestsOf(applied.json)).toEqual(digestsOf(saved.json));
  // The tag is gone now.
  const twice = await cli(["rm", "--yes", "--apply", "plan", "oci:store"], { cwd });
  expect(twice.exit).toBe(2);
  expect(twice.err).toContain("make a new plan");
});

test("a saved plan is refused by another store, when a tag has moved, and when it is no plan: 2", async () => {
  const { cwd } = await sample();
  await cli(["rm", "oci:store:v1", "--save-plan", "plan"], { cwd });
  const other = await sample();
  const plan = join(cwd, "plan");
  const elsewhere = await cli(["rm", "--yes", "--apply", plan, "oci:store"], { cwd: other.cwd });
  expect({ exit: elsewhere.exit, err: elsewhere.err }).toMatchObject({
    exit: 2,
    err: expect.stringContaining("another store"),
  });
  await cli(["tag", "oci:store:v2", "v1"], { cwd });
  expect((await cli(["rm", "--yes", "--apply", "plan", "oci:store"], { cwd })).exit).toBe(2);
  await writeFile(plan, (await readFile(plan, "utf8")).slice(0, 40));
  expect((await cli(["rm", "--yes", "--apply", "plan", "oci:store"], { cwd })).exit).toBe(2);
  expect((await cli(["rm", "--yes", "--apply", "nothing", "oci:store"], { cwd })).exit).toBe(3);
});
