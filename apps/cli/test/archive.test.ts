import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { Interrupted } from "../src/signals.ts";
import { cli, sample, snapshot, temporary, withStore } from "./harness.ts";

async function exported() {
  const made = await sample();
  expect((await cli(["export", "oci:store", "-o", "a.tar"], made)).exit).toBe(0);
  return { ...made, archive: join(made.cwd, "a.tar") };
}

test("a store goes into an archive and comes back as it was", async () => {
  const { cwd } = await sample();
  const { exit, out, err } = await cli(["export", "oci:store", "-o", "a.tar"], { cwd });
  expect([exit, err]).toEqual([0, ""]);
  expect(out).toMatch(/^a\.tar {2}[\d.]+ kB {2}5 manifests, 5 blobs {2}v1, v2\n$/);

  const result = await cli(["import", "a.tar", "oci:copy"], { cwd });
  expect(result.exit).toBe(0);
  expect(result.out.split("\n").map((line) => line.split(" ")[0])).toEqual(["v1", "v2", ""]);
  expect(result.err).toMatch(/^Manifests: 5\/5 /);
  const listings = ["oci:store", "oci:copy", "oci-archive:a.tar"].map(async (place) => {
    const { json } = await cli(["--json", "ls", "--all", place], { cwd });
    return json.map(({ pushed, ...rest }) => rest);
  });
  const [before, after, inside] = await Promise.all(listings);
  expect(after).toEqual(before);
  expect(inside).toEqual(before);
  expect((await cli(["fsck", "oci:copy"], { cwd })).exit).toBe(0);
});

test("as JSON", async () => {
  const { cwd, v1, v2 } = await sample();
  const { json } = await cli(["--json", "export", "oci:store", "-o", "a.tar"], { cwd });
  const { length } = await readFile(join(cwd, "a.tar"));
  expect(json).toEqual([{ exported: join(cwd, "a.tar"), size: length, tags: ["v1", "v2"], manifests: 5, blobs: 5 }]);
  const result = await cli(["--json", "import", "a.tar", "oci:copy"], { cwd });
  expect(result.json).toEqual([
    { imported: "v1", digest: v1.digest },
    { imported: "v2", digest: v2.digest },
    {
      summary: expect.objectContaining({ manifests: expect.objectContaining({ copied: 5, skipped: 0 }), leftOut: [] }),
    },
  ]);
});

test("through pipes: stdout has the archive and nothing else, stdin is taken as it comes", async () => {
  const { cwd } = await exported();
  const file = await readFile(join(cwd, "a.tar"));
  const saved = await cli(["save", "oci:store", "-o", "-"], { cwd });
  expect(saved.exit).toBe(0);
  expect(saved.bytes.equals(file)).toBe(true);
  expect(saved.err).toMatch(/^stdout {2}/);
  const scratch = await temporary();
  const before = process.env.TMPDIR;
  process.env.TMPDIR = scratch;
  try {
    const loaded = await cli(["load", "-", "oci:copy"], { cwd, piped: saved.bytes });
    expect([loaded.exit, loaded.err]).toEqual([0, expect.stringMatching(/^Manifests: 5\/5 /)]);
    const bad = await cli(["load", "-", "oci:none"], { cwd, piped: gzipSync(saved.bytes) });
    expect([bad.exit, bad.err]).toEqual([
      2,
      expect.stringMatching(/^ocistore: stdin: the archive is compressed by gzip/),
    ]);
    expect(await readdir(scratch)).toEqual([]);
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
  expect(await readdir(cwd)).not.toContain("none");
});

test("of some images: what they keep, and what refers to them with -r", async () => {
  const { cwd, signature, v1, v2 } = await sample();
  const inside = async (...argv: string[]) => {
    expect((await cli(["export", ...argv, "-o", "b.tar"], { cwd })).exit).toBe(0);
    return (await cli(["--json", "ls", "--all", "oci-archive:b.tar"], { cwd })).json.map(({ digest }) => digest);
  };
  expect(await inside("oci:store:v2")).toEqual([v2.digest]);
  expect(await inside("oci:store:v1", "oci:store:v2")).not.toContain(signature.digest);
  expect(await inside("oci:store:v1", "-r")).toContain(signature.digest);
  expect(await inside(`oci:store@${v1.digest.slice(0, 19)}`)).toContain(v1.digest);
  expect(await inside("--store", "oci:store", "v1")).toContain(v1.digest);
  expect(await inside("oci-archive:b.tar:v1")).toContain(v1.digest);
});

test("only some tags come out of an archive", async () => {
  const { cwd, v2 } = await exported();
  const { exit, json } = await cli(["--json", "import", "a.tar", "oci:copy", "--tag", "v2"], { cwd });
  expect([exit, json[0]]).toEqual([0, { imported: "v2", digest: v2.digest }]);
  expect((await cli(["--json", "ls", "-a", "oci:copy"], { cwd })).json).toHaveLength(1);
  const absent = await cli(["import", "a.tar", "oci:copy", "--tag", "v9"], { cwd });
  expect([absent.exit, absent.err]).toEqual([3, expect.stringContaining("no tag v9")]);
});

test("a dry run says what would come, and changes nothing", async () => {
  const { cwd } = await exported();
  const argv = ["--json", "import", "a.tar", "oci:copy"];
  const dry = await cli([...argv, "-n"], { cwd });
  expect(await readdir(cwd)).not.toContain("copy");
  const wet = await cli(argv, { cwd });
  const told = ({ json }: typeof wet) =>
    json.map(({ summary, ...rest }) => (summary ? { ...summary, dryRun: true } : rest));
  expect(told(dry)).toEqual(told(wet));
  const before = await snapshot(join(cwd, "copy"));
  const again = await cli([...argv, "-n"], { cwd });
  expect(again.json.at(-1)).toMatchObject({ summary: { manifests: { copied: 0, skipped: 5 }, dryRun: true } });
  expect(await snapshot(join(cwd, "copy"))).toEqual(before);
});

test("a tag that is elsewhere moves, but not with --no-clobber", async () => {
  const { cwd, directory, v1, v2 } = await exported();
  await withStore(directory, (store) => store.repository().tag(v2, "v1"));
  const kept = await cli(["import", "a.tar", "oci:store", "--no-clobber", "--tag", "v1"], { cwd });
  expect([kept.exit, kept.err]).toEqual([2, expect.stringContaining("tag v1 is on")]);
  expect((await cli(["import", "a.tar", "oci:store"], { cwd })).exit).toBe(0);
  const { json } = await cli(["--json", "ls", "oci:store"], { cwd });
  expect(json.find(({ ref }) => ref === "v1")).toMatchObject({ digest: v1.digest });
});

test("every verb that looks takes an archive, and writes nothing", async () => {
  const { cwd, directory, own } = await exported();
  await rm(directory, { recursive: true });
  const before = await snapshot(cwd);
  for (const argv of [
    ["ls", "oci-archive:a.tar"],
    ["inspect", "oci-archive:a.tar:v1"],
    ["tree", "oci-archive:a.tar:v1"],
    ["tree", "oci-archive:a.tar"],
    ["graph", "oci-archive:a.tar"],
    ["why", `oci-archive:a.tar@${own.digest}`],
    ["roots", "oci-archive:a.tar"],
    ["du", "oci-archive:a.tar"],
    ["fsck", "oci-archive:a.tar"],
  ]) {
    const { exit, err, out } = await cli(argv, { cwd });
    expect([argv[0], exit, err]).toEqual([argv[0], 0, ""]);
    expect(out).not.toBe("");
  }
  expect((await cli(["tree", "oci-archive:a.tar:v1"], { cwd })).out).toMatch(/^oci-archive:a\.tar:v1 /);
  expect(await snapshot(cwd)).toEqual(before);
});

test("every verb that changes something refuses an archive, and says what to do", async () => {
  const { cwd, archive } = await exported();
  const before = await readFile(archive);
  for (const argv of [
    ["init", "oci-archive:b.tar"],
    ["push", "oci-archive:a.tar:new", "a.tar"],
    ["tag", "oci-archive:a.tar:v1", "v3"],
    ["untag", "oci-archive:a.tar:v1"],
    ["rm", "oci-archive:a.tar:v1", "--yes"],
    ["gc", "oci-archive:a.tar", "--yes"],
    ["import", "a.tar", "oci-archive:b.tar"],
  ]) {
    const { exit, err } = await cli(argv, { cwd });
    expect([argv[0], exit, err]).toEqual([
      argv[0],
      2,
      expect.stringMatching(/is only read — `ocistore import .* oci:DIR`/),
    ]);
  }
  expect((await readFile(archive)).equals(before)).toBe(true);
  expect((await readdir(cwd)).sort()).toEqual(["a.tar", "store"]);
});

test("what is wrong with an archive is said in a line, with its name as it was given", async () => {
  const { cwd, archive } = await exported();
  const bytes = await readFile(archive);
  const file = (name: string, content: Uint8Array) => writeFile(join(cwd, name), content);
  await file("gz.tar", gzipSync(bytes));
  await file("cut.tar", bytes.subarray(0, 3000));
  await file("text.tar", Buffer.from("Once upon a time. ".repeat(99)));
  for (const [name, exit, line] of [
    ["gz.tar", 2, /^ocistore: gz\.tar: the archive is compressed by gzip; unpack it first, with gzip -dc — .*\n$/],
    ["cut.tar", 1, /^ocistore: cut\.tar: the archive is cut off: .* — fetch it or export it again\n$/],
    ["text.tar", 1, /^ocistore: text\.tar: not a tar archive — .*\n$/],
    ["none.tar", 3, /^ocistore: no such file: none\.tar — look at the spelling\n$/],
    ["store", 1, /^ocistore: not a regular file: store — /],
  ] as const) {
    const { exit: found, err, out } = await cli(["ls", `oci-archive:${name}`], { cwd });
    expect([name, found, err, out]).toEqual([name, exit, expect.stringMatching(line), ""]);
    expect((await cli(["import", name, "oci:copy"], { cwd })).exit).toBe(exit);
  }
  expect(await readdir(cwd)).not.toContain("copy");
  const { err } = await cli(["--json", "ls", "oci-archive:cut.tar"], { cwd });
  expect(JSON.parse(err).error).toMatchObject({ code: "CORRUPT", actual: 3000 });
});

test("wrong words", async () => {
  const { cwd } = await sample();
  await mkdir(join(cwd, "directory"));
  for (const [argv, exit, why] of [
    [["export", "oci:store"], 2, /--output/],
    [["export", "oci:store", "oci:store:v1", "-o", "a.tar"], 2, /as a whole, and something in it/],
    [["export", "oci:store:v1", "oci:other:v1", "-o", "a.tar"], 2, /two stores/],
    [["export", "oci:store:v9", "-o", "a.tar"], 3, /no tag v9/],
    [["export", "oci:none", "-o", "a.tar"], 3, /no such directory/],
    [["export", "oci:store", "-o", "directory"], 1, /not a regular file/],
    [["export", "oci:store", "-o", "none/a.tar"], 3, /no such directory/],
    [["import", "oci:store", "oci:copy"], 2, /is no archive/],
    [["import", "oci-archive:a.tar:v1", "oci:copy"], 2, /--tag/],
  ] as const) {
    const result = await cli(argv, { cwd });
    expect([argv, result.exit, result.err]).toEqual([argv, exit, expect.stringMatching(why)]);
  }
  expect((await readdir(cwd)).sort()).toEqual(["directory", "store"]);
  const typed = await cli(["export", "oci:store", "-o", "-"], { cwd, typed: "" });
  expect([typed.exit, typed.err]).toEqual([2, expect.stringContaining("not for a terminal")]);
  const asked = await cli(["import", "-", "oci:store"], { cwd, typed: "" });
  expect([asked.exit, asked.err]).toEqual([2, expect.stringContaining("nobody types an archive")]);
});

test("a damaged blob fails the export, and leaves no file", async () => {
  const { cwd, directory, shared } = await sample();
  await writeFile(join(directory, "blobs", ...shared.digest.split(":")), "x".repeat(shared.size));
  const { exit, err } = await cli(["export", "oci:store", "-o", "a.tar"], { cwd });
  expect([exit, err]).toEqual([1, expect.stringContaining(`the bytes under ${shared.digest}`)]);
  await rm(join(directory, "blobs", ...shared.digest.split(":")));
  const missing = await cli(["export", "oci:store", "-o", "a.tar"], { cwd });
  expect([missing.exit, missing.err]).toEqual([1, expect.stringContaining(shared.digest)]);
  expect(await readdir(cwd)).toEqual(["store"]);
  expect((await cli(["export", "oci:store", "-o", "a.tar", "--sparse"], { cwd })).exit).toBe(0);
});

test("a layout that no ocistore has changed is exported without a trace", async () => {
  const { cwd, directory } = await exported();
  await rm(join(directory, ".ocistore"), { recursive: true });
  const before = await snapshot(directory);
  expect((await cli(["export", "oci:store", "-o", "b.tar"], { cwd })).exit).toBe(0);
  expect(await snapshot(directory)).toEqual(before);
  expect((await readFile(join(cwd, "b.tar"))).equals(await readFile(join(cwd, "a.tar")))).toBe(true);
});

test("a signal ends an import from a pipe that has not ended, and its temporary file goes", async () => {
  const { cwd } = await exported();
  const controller = new AbortController();
  const waiting = cli(["import", "-", "oci:copy"], { cwd, signal: controller.signal, piped: "open" });
  controller.abort(new Interrupted("SIGINT"));
  const { exit, err } = await waiting;
  expect([exit, err]).toEqual([130, expect.stringContaining("interrupted")]);
  expect(await readdir(cwd)).not.toContain("copy");
});
