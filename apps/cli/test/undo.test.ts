import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cli, clockAt, sample, snapshot, temporary, withStore } from "./harness.ts";

const DAY = 86_400_000;

/** The sample, in a store that keeps for a week what is removed, and a command line on it with a clock. */
async function kept() {
  const made = await sample();
  let now = Date.now();
  const clock = clockAt(() => now);
  const run = (...argv: string[]) => cli(argv, { cwd: made.cwd, clock });
  expect((await run("config", "set", "oci:store", "window=7d")).exit).toBe(0);
  const advance = (ms: number) => {
    now += ms;
  };
  return { ...made, run, clock, advance };
}

test("rm says how it is undone, trash lists it, undo brings it back", async () => {
  const { run, v1 } = await kept();
  const before = (await run("ls", "--json", "oci:store")).out;
  const removed = await run("rm", "-y", "oci:store:v1", "--json");
  expect(removed.exit).toBe(0);
  const [said] = removed.err.split("\n").filter((line) => line.includes('"run"'));
  const { run: id, until } = JSON.parse(said!);
  expect(until).toMatch(/^\d{4}-/);

  const listed = await run("trash", "ls", "oci:store", "--json");
  expect(listed.json).toEqual([
    {
      run: id,
      at: expect.any(String),
      until,
      tags: [{ name: "v1", digest: v1.digest }],
      manifests: 2,
      digests: 7,
      size: expect.any(Number),
    },
  ]);
  const text = (await run("trash", "ls", "oci:store")).out;
  expect(text).toMatch(/^RUN .*AGE .*STAYS .*DIGESTS .*SIZE .*TAGS\n/);
  expect(text).toContain(id);

  const undone = await run("undo", id, "oci:store", "--json");
  expect(undone).toMatchObject({ exit: 0 });
  expect(undone.json).toEqual([
    { restored: "v1", digest: v1.digest },
    { summary: { run: id, tags: 1, manifests: 2, content: 7 } },
  ]);
  expect((await run("ls", "--json", "oci:store")).json.map(({ ref, digest }) => [ref, digest])).toEqual(
    before
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
      .map(({ ref, digest }) => [ref, digest]),
  );
  expect((await run("fsck", "oci:store")).exit).toBe(0);
  expect(await run("trash", "ls", "oci:store")).toMatchObject({ out: "", err: "nothing is in the trash\n" });
});

test("in words: the latest run unless one is named, and gc can be undone too", async () => {
  const { run } = await kept();
  await run("rm", "-y", "oci:store:v1");
  const undone = await run("undo", "oci:store");
  expect(undone.out).toMatch(
    /^restored v1 {2}sha256:[0-9a-f]{12}\nbrought back 1 tag, 2 manifests, the bytes of 7 digests\n$/,
  );
  await run("untag", "oci:store:v2");
  const collected = await run("gc", "-y", "--grace", "0", "oci:store");
  expect(collected.err).toMatch(/`ocistore undo [0-9a-f]{32} oci:store` brings it back until /);
  expect(await run("undo", "oci:store")).toMatchObject({ exit: 0 });
  expect((await run("ls", "oci:store")).out).not.toContain("v2");
});

test("a store that keeps nothing says so, and how it would", async () => {
  const { cwd } = await sample();
  await cli(["rm", "-y", "oci:store:v1"], { cwd });
  const undone = await cli(["undo", "oci:store"], { cwd });
  expect(undone).toMatchObject({ exit: 2, out: "" });
  expect(undone.err).toContain("`ocistore config set oci:store window=7d`");
});

test("nothing to undo, or no such run, is not found", async () => {
  const { run } = await kept();
  expect(await run("undo", "oci:store")).toMatchObject({ exit: 3 });
  const id = "0".repeat(32);
  const named = await run("undo", id, "oci:store", "--json");
  expect(named.exit).toBe(3);
  expect(JSON.parse(named.err).error.code).toBe("NOT_FOUND");
  expect(await run("undo", "short", "oci:store")).toMatchObject({ exit: 2 });
  expect(await run("undo", "--leave-tags", "--take-tags", "oci:store")).toMatchObject({ exit: 2 });
});

test("a tag that is elsewhere by now is in the way, until one of the two is said", async () => {
  const { run, v1, v2 } = await kept();
  await run("rm", "-y", "oci:store:v1");
  await run("tag", "oci:store:v2", "v1");
  const refused = await run("undo", "oci:store", "--json");
  expect(refused.exit).toBe(2);
  expect(JSON.parse(refused.err).error).toMatchObject({
    code: "REFUSED",
    hint: expect.stringContaining("--leave-tags"),
  });
  const left = await run("undo", "--leave-tags", "oci:store", "--json");
  expect(left.exit).toBe(0);
  expect(JSON.parse(left.err)).toEqual({ left: "v1", digest: v1.digest });
  const refs = async () => (await run("ls", "oci:store", "--json")).json.map(({ ref, digest }) => [ref, digest]);
  expect(await refs()).toEqual([
    ["v1", v2.digest],
    ["v2", v2.digest],
    [null, v1.digest],
  ]);
  await run("rm", "-y", "oci:store:v1");
  await run("tag", `oci:store@${v1.digest}`, "v1");
  expect(await run("undo", "--take-tags", "oci:store")).toMatchObject({ exit: 0 });
  expect((await refs())[0]).toEqual(["v1", v2.digest]);
});

test("what has been erased is refused, and nothing is half back", async () => {
  const { run, directory, cwd, clock } = await kept();
  const { json, err } = await run("rm", "-y", "oci:store:v1", "--json");
  const id = JSON.parse(err.split("\n").find((line) => line.includes('"run"'))!).run;
  const { digest, size } = json.find(({ kind }) => kind === "manifest") as { digest: string; size: number };
  expect(digest).toBeUndefined();
  const trash = join(directory, ".ocistore", "trash", id);
  const condemned = json.find(({ kind }) => kind === "manifest") as { condemned: string; size: number };
  expect(size).toBe(condemned.size);
  await rm(join(trash, `${condemned.condemned.replace(":", "-")}.${condemned.size}.manifest`));
  const undone = await cli(["undo", "oci:store"], { cwd, clock });
  expect(undone).toMatchObject({ exit: 2, out: "" });
  expect(undone.err).toContain("has been erased");
  expect((await run("ls", "oci:store")).out).not.toContain("v1");
});

test("trash empty asks, and then it is gone", async () => {
  const { run, cwd, clock, directory, advance } = await kept();
  await run("rm", "-y", "oci:store:v1");
  // Runs are told in the order of their times.
  advance(1000);
  await run("rm", "-y", "oci:store:v2");
  expect(await run("trash", "empty", "oci:store")).toMatchObject({ exit: 2 });
  const no = await cli(["trash", "empty", "oci:store"], { cwd, clock, typed: "n\n" });
  expect(no.exit).toBe(2);
  expect(no.err).toMatch(/2 runs to be forgotten, \d+ digests, .* to be erased\. Go on\? \[y\/N\]/);
  const [, first] = (await run("trash", "ls", "oci:store", "--json")).json as { run: string; digests: number }[];
  const one = await run("trash", "empty", "-y", "--run", first!.run, "oci:store", "--json");
  expect(one.json.at(-1)).toMatchObject({ summary: { removed: first!.digests } });
  expect(one.json[0]).toMatchObject({ removed: expect.any(String), reason: "from the trash" });
  expect(await run("trash", "empty", "-y", "--run", first!.run, "oci:store")).toMatchObject({ exit: 3 });
  expect(await cli(["trash", "empty", "oci:store"], { cwd, clock, typed: "y\n" })).toMatchObject({ exit: 0 });
  expect(await run("undo", "oci:store")).toMatchObject({ exit: 3 });
  expect(Object.keys(await snapshot(join(directory, "blobs"))).filter((name) => /[0-9a-f]{64}/.test(name))).toEqual([]);
  expect(await run("trash", "empty", "--run", "x", "oci:store")).toMatchObject({ exit: 2 });
});

test("on a terminal, rm without a window says what would have made it undoable", async () => {
  const { cwd } = await sample();
  const declined = await cli(["rm", "oci:store:v1"], { cwd, typed: "n\n" });
  expect(declined.err).toContain("this cannot be undone: `--window 7d` would keep it");
  const piped = await cli(["rm", "-n", "oci:store:v1"], { cwd });
  expect(piped.err).not.toContain("cannot be undone");
});

test("looking at the trash and at the policy changes nothing", async () => {
  const { run, directory } = await kept();
  await run("rm", "-y", "oci:store:v1");
  const before = await snapshot(directory);
  await run("trash", "ls", "oci:store");
  await run("config", "get", "oci:store");
  await run("gc", "--explain", "oci:store");
  expect(await snapshot(directory)).toEqual(before);
});

test("config: what is set is kept, and shown", async () => {
  const { cwd } = await sample();
  const rules = [
    { match: ["v*"], keep: "all" },
    { keep: { last: 2, younger: "7d", versions: { newest: 1, of: "minor" } } },
  ];
  await writeFile(join(cwd, "rules.json"), JSON.stringify(rules));
  const set = await cli(
    [
      "config",
      "set",
      "oci:store",
      "grace=2h",
      "window=7d",
      "wait=0",
      "untagged=30d",
      "--retention",
      "rules.json",
      "--json",
    ],
    { cwd },
  );
  const policy = {
    grace: 7_200_000,
    window: 7 * DAY,
    wait: 0,
    untagged: 30 * DAY,
    retention: [rules[0], { keep: { last: 2, younger: 7 * DAY, versions: { newest: 1, of: "minor" } } }],
  };
  expect(set.json).toEqual([{ policy }]);
  expect((await cli(["config", "get", "oci:store", "--json"], { cwd })).json).toEqual([{ policy }]);
  expect((await cli(["config", "get", "oci:store"], { cwd })).out).toBe(
    [
      "grace      2h",
      "window     7d",
      "wait       0",
      "untagged   30d",
      "retention  1. v*: keep all",
      "           2. **: keep the last 2, and what is younger than 7d, and the 1 newest of each minor version",
      "",
    ].join("\n"),
  );
  const cleared = await cli(["config", "set", "untagged=never", "retention=none", "--json"], {
    cwd,
    env: { OCISTORE_STORE: "oci:store" },
  });
  expect(cleared.json).toEqual([{ policy: { grace: 7_200_000, window: 7 * DAY, wait: 0 } }]);
});

test.each([
  ["no setting", ["oci:store"]],
  ["a key that there is not", ["oci:store", "gracious=1h"]],
  ["no duration", ["oci:store", "grace=soon"]],
  ["rules on the command line", ["oci:store", "retention=all"]],
  ["a file that is no JSON", ["oci:store", "--retention", "broken.json"]],
  ["rules with a slip of the pen", ["oci:store", "--retention", "slip.json"]],
  ["an age that is none", ["oci:store", "--retention", "age.json"]],
])("config set refuses %s, and changes nothing", async (_, words) => {
  const { cwd, directory } = await sample();
  await writeFile(join(cwd, "broken.json"), "[");
  await writeFile(join(cwd, "slip.json"), '[{"keep":{"lsat":1}}]');
  await writeFile(join(cwd, "age.json"), '[{"keep":{"younger":"soon"}}]');
  const before = await readFile(join(directory, ".ocistore", "store.json"), "utf8");
  const set = await cli(["config", "set", ...words], { cwd });
  expect(set).toMatchObject({ exit: 2, out: "" });
  expect(await readFile(join(directory, ".ocistore", "store.json"), "utf8")).toBe(before);
});

test("config set of a file that is not there", async () => {
  const { cwd } = await sample();
  expect(await cli(["config", "set", "oci:store", "--retention", "none.json"], { cwd })).toMatchObject({ exit: 3 });
  expect(await cli(["config", "get", "oci:none"], { cwd })).toMatchObject({ exit: 3 });
});

test("gc --untagged takes what has no tag, once it is old enough", async () => {
  const { run, directory, advance } = await kept();
  await withStore(directory, async (store) => {
    const untagged = await store.repository().resolve("v2");
    await store.repository().pin(untagged, "hold");
    await store.repository().untag("v2");
    await store.repository().unpin("hold");
    const v1 = await store.repository().resolve("v1");
    await store.repository().planDelete(v1);
  });
  await run("push", "oci:store", "../none").catch(() => {});
  const file = join(directory, "..", "notes.txt");
  await writeFile(file, "notes");
  const pushed = (await run("push", "oci:store", "notes.txt", "--json")).json[0]!.pushed;
  advance(10 * DAY);
  expect((await run("gc", "-n", "oci:store", "--untagged", "20d", "--json")).json.at(-1)).not.toMatchObject({
    removed: pushed,
  });
  const planned = await run("gc", "-n", "oci:store", "--untagged", "7d", "--json");
  const line = { condemned: pushed, reason: "untagged for too long" };
  expect(planned.json).toContainEqual(expect.objectContaining(line));
  const done = await run("gc", "-y", "oci:store", "--untagged", "7d", "--json");
  expect(done.json).toContainEqual(expect.objectContaining(line));
  expect((await run("ls", "oci:store", "--json")).json.map(({ ref }) => ref)).toEqual(["v1"]);
});

test("gc follows the rules about tags, says which went and why, and explains each", async () => {
  const { run, cwd, v1, v2, advance } = await kept();
  await writeFile(join(cwd, "rules.json"), '[{"match":["v1"],"keep":"all"},{"keep":{"younger":"1d"}}]');
  advance(2 * DAY);
  const explained = await run("gc", "--explain", "--retention", "rules.json", "oci:store", "--json");
  expect(explained.json).toEqual([
    { tag: "v1", digest: v1.digest, keep: true, rule: 1, reason: "rule 1, v1: all of these are kept" },
    { tag: "v2", digest: v2.digest, keep: false, rule: 2, reason: "rule 2: pushed 2d ago, 1d or more" },
  ]);
  expect((await run("gc", "--explain", "--retention", "rules.json", "oci:store")).out).toBe(
    "keeps v1: rule 1, v1: all of these are kept\ngoes  v2: rule 2: pushed 2d ago, 1d or more\n",
  );
  await run("config", "set", "oci:store", "--retention", "rules.json");
  const saved = await run("gc", "oci:store", "--save-plan", "plan.ndjson", "--json");
  const because = { untagged: "v2", digest: v2.digest, because: "rule 2: pushed 2d ago, 1d or more" };
  expect(
    saved.err
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  ).toContainEqual(because);
  expect((await run("ls", "oci:store")).out).toContain("v2");
  const applied = await run("gc", "oci:store", "--apply", "plan.ndjson", "-y", "--json");
  expect(applied.exit).toBe(0);
  expect(
    applied.err
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  ).toContainEqual(because);
  expect((await run("ls", "oci:store", "--json")).json.map(({ ref }) => ref)).toEqual(["v1"]);
  expect(await run("undo", "oci:store")).toMatchObject({ exit: 0 });
  expect((await run("ls", "oci:store", "--json")).json.map(({ ref }) => ref)).toEqual(["v1", "v2"]);
  expect(await run("gc", "--apply", "plan.ndjson", "--explain", "oci:store")).toMatchObject({ exit: 2 });
});

test("a layout of another tool is emptied of untagged content only by --adopt, once", async () => {
  const { cwd, directory } = await sample();
  await writeFile(join(cwd, "notes.txt"), "notes");
  await cli(["push", "oci:store", "notes.txt"], { cwd });
  await rm(join(directory, ".ocistore"), { recursive: true });
  const later = clockAt(() => Date.now() + 2 * DAY);
  const gc = (...words: string[]) => cli(["gc", "oci:store", "--untagged", "1d", ...words], { cwd, clock: later });
  for (const words of [["-y"], ["-n"]]) {
    const refused = await gc(...words);
    expect(refused).toMatchObject({ exit: 2, out: "" });
    expect(refused.err).toContain("--adopt");
  }
  expect((await cli(["config", "get", "oci:store", "--json"], { cwd })).json).toMatchObject([
    { policy: { foreign: true } },
  ]);
  const before = await snapshot(directory);
  expect(await gc("-n", "--adopt")).toMatchObject({ exit: 0 });
  expect(await snapshot(directory)).toEqual(before);
  expect(await gc("-y", "--adopt")).toMatchObject({ exit: 0 });
  const policy = (await cli(["config", "get", "oci:store", "--json"], { cwd })).json[0]!.policy;
  expect(policy).toEqual({ grace: 3_600_000, window: 0, wait: 3_600_000 });
  expect(await gc("-y")).toMatchObject({ exit: 0 });
});

test("a flag that makes something shorter than the policy says so", async () => {
  const { cwd } = await sample();
  await cli(["config", "set", "oci:store", "untagged=30d"], { cwd });
  const { err } = await cli(["gc", "-n", "oci:store", "--grace", "5m", "--untagged", "7d"], { cwd });
  expect(err).toContain("a grace of 5m, shorter than the store's own of 1h");
  expect(err).toContain("untagged content goes after 7d, and by the store's own policy after 30d");
  expect((await cli(["gc", "-n", "oci:store", "--grace", "5h"], { cwd })).err).not.toContain("shorter");
});

test("without a store there is nothing to say", async () => {
  const cwd = await temporary();
  for (const words of [
    ["undo", "oci:none"],
    ["trash", "ls", "oci:none"],
    ["trash", "empty", "-y", "oci:none"],
  ]) {
    expect(await cli(words, { cwd })).toMatchObject({ exit: 3, out: "" });
  }
});
