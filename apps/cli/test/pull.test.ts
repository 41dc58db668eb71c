import { watch } from "node:fs";
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { packIndex, packManifest, type Store } from "@ocistore/core";
import { expect, test } from "vitest";
import { PullTarget } from "../src/pull-target.ts";
import { titleProblem } from "../src/titles.ts";
import { cli, sample, temporary, text, withStore } from "./harness.ts";

const TITLE = "org.opencontainers.image.title";

/** A store in which `v1` has a layer for each title; `undefined` is a layer without one. */
async function artifact(titles: readonly (string | undefined)[], content = (at: number) => text(`file ${at}\n`)) {
  const cwd = await temporary();
  const fill = (store: Store) =>
    store.repository().session(async (session) => {
      const layers = [];
      for (const [at, title] of titles.entries()) {
        const blob = await session.putBlob(content(at));
        layers.push({ ...blob, ...(title !== undefined && { annotations: { [TITLE]: title } }) });
      }
      const packed = packManifest({ artifactType: "test/files", layers });
      return { layers, manifest: await session.putManifest(packed, { tags: ["v1"] }) };
    });
  return { cwd, out: join(cwd, "out"), ...(await withStore(join(cwd, "store"), fill)) };
}

const all = async (directory: string) => (await readdir(directory, { recursive: true })).sort();

/** Where the bytes of a digest lie. */
const blobPath = (cwd: string, digest: string) => join(cwd, "store", "blobs", ...digest.split(":"));

test("pull: a file for each title, in directories too; what has none is skipped", async () => {
  const { cwd, out, layers, manifest } = await artifact(["a.txt", "sub/deep/b.txt", undefined]);
  const [a, b, c] = layers.map(({ digest }) => digest);
  const pulled = await cli(["pull", "oci:store:v1", "-o", "out", "--full"], { cwd });
  expect(pulled).toMatchObject({
    exit: 0,
    out: `out/a.txt  7 B  ${a}\nout/sub/deep/b.txt  7 B  ${b}\noci:store@${manifest.digest}\n`,
    err: `skipped ${c}, which has no title\n`,
  });
  expect(await readFile(join(out, "a.txt"), "utf8")).toBe("file 0\n");
  expect(await readFile(join(out, "sub/deep/b.txt"), "utf8")).toBe("file 1\n");
  expect(await all(out)).toEqual(["a.txt", "sub", "sub/deep", "sub/deep/b.txt"]);
  const json = await cli(["pull", "oci:store:v1", "--overwrite", "--json"], { cwd });
  expect(json.json).toEqual([
    { pulled: "a.txt", digest: a, size: 7 },
    { pulled: "sub/deep/b.txt", digest: b, size: 7 },
    expect.objectContaining({ manifest: manifest.digest, artifactType: "test/files", files: 2 }),
  ]);
  expect(JSON.parse(json.err)).toEqual({ skipped: c, size: 7 });
});

const HOSTILE = [
  "/etc/x",
  "../x",
  "a/../../x",
  "a/../x",
  "..",
  ".",
  "",
  "./x",
  "a//x",
  "x/",
  "a/./x",
  "C:x",
  "c:/x",
  "a\\x",
  "..\\x",
  "x\0y",
  "x\ny",
  "x\x1b[31m",
  "x\x7f",
  "x\u0085",
  "ab:stream",
  "a<b",
  "a>b",
  'a"b',
  "a|b",
  "a?b",
  "a*b",
  "NUL",
  "con.txt",
  "a/Aux.tar.gz/b",
  "lpt1 .txt",
  "COM¹",
  "CONIN$",
  "x.",
  "x ",
  "x./y",
  "...",
  "n".repeat(256),
  `${"d/".repeat(2100)}x`,
];

test.each(HOSTILE)("pull: the title %j is refused, before anything is written", async (title) => {
  const { cwd } = await artifact(["good.txt", title]);
  const { exit, out, err } = await cli(["pull", "oci:store:v1", "-o", "out"], { cwd });
  expect([exit, out]).toEqual([2, ""]);
  expect(err).toMatch(/^ocistore: the title ".*" names no file here: \P{Cc}+\n$/u);
  expect(await readdir(cwd)).toEqual(["store"]);
});

test.each([
  ["a", "a"],
  ["Read.me", "READ.ME"],
  ["caf\u00e9", "cafe\u0301"],
  ["stra\u00dfe", "STRASSE"],
  ["a", "a/b"],
  ["A/b/c", "a/B"],
])("pull: the titles %j and %j are one name, and refused", async (one, other) => {
  const { cwd } = await artifact([one, other]);
  const { exit, err } = await cli(["pull", "oci:store:v1", "-o", "out", "--overwrite", "--json"], { cwd });
  expect(exit).toBe(2);
  expect(JSON.parse(err)).toMatchObject({ error: { code: "REFUSED" } });
  expect(await readdir(cwd)).toEqual(["store"]);
});

test.each([[[]], [["--overwrite"]]])("pull: no link in the directory is followed %j", async (flags) => {
  const { cwd, out } = await artifact(["first.txt", "sub/deep/x.txt"]);
  await mkdir(join(cwd, "elsewhere", "deep"), { recursive: true });
  const argv = ["pull", "oci:store:v1", "-o", "out", ...flags];
  await mkdir(out);
  await symlink("../elsewhere", join(out, "sub"));
  const target = new PullTarget(out, { overwrite: flags.length > 0 });
  await expect(target.check(["first.txt", "sub/deep/x.txt"])).rejects.toMatchObject({ code: "REFUSED" });
  expect((await cli(argv, { cwd })).exit).toBe(2);
  expect(await readdir(out)).toEqual(["sub"]);
  expect(await all(join(cwd, "elsewhere"))).toEqual(["deep"]);
});

test("pull: what is there is refused, and a link is replaced with --overwrite and never written through", async () => {
  const { cwd, out } = await artifact(["a.txt", "b.txt"]);
  await mkdir(out);
  await writeFile(join(cwd, "victim"), "mine");
  await symlink("../victim", join(out, "b.txt"));
  const refused = await cli(["pull", "oci:store:v1", "-o", "out"], { cwd });
  expect(refused.exit).toBe(2);
  expect(refused.err).toContain("b.txt is there already — --overwrite");
  expect(await all(out)).toEqual(["b.txt"]);
  expect((await cli(["pull", "oci:store:v1", "-o", "out", "--overwrite"], { cwd })).exit).toBe(0);
  expect(await readFile(join(cwd, "victim"), "utf8")).toBe("mine");
  expect((await lstat(join(out, "b.txt"))).isFile()).toBe(true);
  expect(await readFile(join(out, "b.txt"), "utf8")).toBe("file 1\n");
  const plain = await cli(["pull", "oci:store:v1", "-o", "out"], { cwd });
  expect(plain.exit).toBe(2);
});

test("pull: a directory is never replaced; the directory itself may be a link", async () => {
  const { cwd, out } = await artifact(["a.txt"]);
  await mkdir(join(out, "a.txt"), { recursive: true });
  expect((await cli(["pull", "oci:store:v1", "-o", "out", "--overwrite"], { cwd })).exit).toBe(2);
  await mkdir(join(cwd, "real"));
  await symlink("real", join(cwd, "link"));
  expect((await cli(["pull", "oci:store:v1", "-o", "link"], { cwd })).exit).toBe(0);
  expect(await all(join(cwd, "real"))).toEqual(["a.txt"]);
});

test("pull: a damaged blob leaves no file, nor any that came before it", async () => {
  const { cwd, layers } = await artifact(["good.txt", "new/bad.txt"]);
  await writeFile(blobPath(cwd, layers[1]!.digest), "FILE 1\n");
  const { exit, err } = await cli(["pull", "oci:store:v1", "-o", "out", "--json"], { cwd });
  expect(exit).toBe(1);
  expect(JSON.parse(err)).toMatchObject({ error: { code: "CORRUPT" } });
  expect(await readdir(cwd)).toEqual(["store"]);
});

test("pull: broken off half-way, it leaves nothing", async () => {
  const { cwd, out } = await artifact(["small.txt", "sub/large.bin"], (at) => new Uint8Array(at === 0 ? 9 : 48 << 20));
  await mkdir(out);
  const breaking = new AbortController();
  const seen: string[] = [];
  const watcher = watch(out, (_, name) => {
    seen.push(String(name));
    if (seen.includes("sub")) breaking.abort(new Error("enough"));
  });
  const { exit } = await cli(["pull", "oci:store:v1", "-o", "out"], { cwd, signal: breaking.signal });
  watcher.close();
  expect(exit).toBe(1);
  expect(seen.some((name) => name.endsWith(".part"))).toBe(true);
  expect(await all(out)).toEqual([]);
});

test("pull: nothing of a half-written file stays, nor what is put in its place meanwhile overwritten", async () => {
  const cwd = await temporary();
  const target = new PullTarget(join(cwd, "out"), { overwrite: false });
  await target.stage(
    "a/x",
    (async function* () {
      yield text("ours");
    })(),
    () => {},
  );
  const half = target.stage(
    "a/y",
    (async function* () {
      yield text("ha");
      throw new Error("lost");
    })(),
    () => {},
  );
  await expect(half).rejects.toThrow("lost");
  await target.discard();
  expect(await readdir(cwd)).toEqual([]);
  const late = new PullTarget(join(cwd, "out"), { overwrite: false });
  await late.stage(
    "x",
    (async function* () {
      yield text("ours");
    })(),
    () => {},
  );
  await symlink("../victim", join(cwd, "out", "x"));
  await expect(late.publish()).rejects.toMatchObject({ code: "REFUSED" });
  await late.discard();
  expect(await all(cwd)).toEqual(["out", "out/x"]);
  const swapped = new PullTarget(join(cwd, "in"), { overwrite: false });
  await swapped.stage(
    "one",
    (async function* () {
      yield text("1");
    })(),
    () => {},
  );
  await mkdir(join(cwd, "other"));
  await symlink("../other", join(cwd, "in", "sub"));
  await expect(
    swapped.stage(
      "sub/two",
      (async function* () {
        yield text("2");
      })(),
      () => {},
    ),
  ).rejects.toMatchObject({
    code: "REFUSED",
  });
  await swapped.discard();
  expect(await readdir(join(cwd, "other"))).toEqual([]);
});

test("pull: of an index what is for the platform; without one it says which there are", async () => {
  const { cwd, v1, amd64, shared } = await sample();
  const without = await cli(["pull", "oci:store:v1"], { cwd });
  expect(without).toMatchObject({ exit: 2, out: "" });
  expect(without.err).toBe(
    `ocistore: ${v1.digest} is an index: say by --platform which of it — it has linux/amd64, linux/arm64\n`,
  );
  const got = await cli(["pull", "oci:store:v1", "--platform", "linux/amd64", "--json", "-q"], { cwd });
  expect(got.json).toEqual([expect.objectContaining({ manifest: amd64.digest, files: 0 })]);
  expect((await cli(["pull", "oci:store:v1", "--platform", "plan9/mips"], { cwd })).exit).toBe(3);
  expect((await cli(["pull", "oci:store:v1", "--platform", "linux"], { cwd })).exit).toBe(2);
  expect((await cli(["pull", "oci:store:nope"], { cwd })).exit).toBe(3);
  expect((await cli(["pull", `oci:store@${shared.digest}`], { cwd })).exit).toBe(3);
});

test("pull and cp: the same variant of a platform; several that are as good are refused, in one line", async () => {
  const cwd = await temporary();
  const platforms = [
    { os: "linux", architecture: "arm", variant: "v6" },
    { os: "linux", architecture: "arm", variant: "v7" },
    { os: "windows", architecture: "amd64", "os.version": "10.0.1" },
    { os: "windows", architecture: "amd64", "os.version": "10.0.2" },
  ];
  const [, v7] = await withStore(join(cwd, "store"), (store) =>
    store.repository().session(async (session) => {
      const manifests = [];
      for (const [at, platform] of platforms.entries()) {
        const layer = { ...(await session.putBlob(text(`${at}`))), annotations: { [TITLE]: "a" } };
        const packed = packManifest({ artifactType: "test/variant", layers: [layer] });
        manifests.push({ ...(await session.putManifest(packed)), platform });
      }
      await session.putManifest(packIndex({ manifests }), { tags: ["v1"] });
      return manifests;
    }),
  );
  for (const verb of [
    ["pull", "oci:store:v1"],
    ["cp", "oci:store:v1", "oci:other"],
  ]) {
    const got = await cli([...verb, "--platform", "linux/arm", "--json", "-q"], { cwd });
    expect(JSON.stringify(got.json)).toContain(v7!.digest);
    const { exit, out, err } = await cli([...verb, "--platform", "windows/amd64"], { cwd });
    expect([exit, out]).toEqual([2, ""]);
    expect(err).toMatch(
      /^ocistore: (source: )?several are for windows\/amd64: windows\/amd64:10.0.1, windows\/amd64:10.0.2 — say more .*\n$/,
    );
  }
});

test("push writes no title that pull refuses", async () => {
  const cwd = await temporary();
  await mkdir(join(cwd, "sub"));
  for (const name of ["a", "sub/a", "sub/A", "x\ny", "b\\c", "12:30.log", "nul.txt", "x."])
    await writeFile(join(cwd, name), "");
  for (const files of [["a", "sub/a"], ["a", "sub/A"], ["x\ny"], ["b\\c"], ["12:30.log"], ["nul.txt"], ["x."]]) {
    expect((await cli(["push", "oci:store:v1", ...files], { cwd })).exit).toBe(2);
  }
  expect(await readdir(cwd)).not.toContain("store");
});

test("the refusal of a title says what is wrong with it", () => {
  const fine = ["a/b.txt", "..x", ".x", "a b", "console.log", "nulls", "com10", "auxiliary/com", "a.con"];
  expect(fine.filter(titleProblem)).toEqual([]);
  expect(["", "/x", "x/", "a:b", "ab:c", "x.", "nul.txt"].map(titleProblem)).toEqual([
    "it is empty",
    "it starts at the root",
    "it has a part that is no name",
    "it starts with the letter of a drive",
    "no name has a : on Windows",
    "a name on Windows does not end in a dot or a space",
    "it is the name of a device on Windows",
  ]);
});
