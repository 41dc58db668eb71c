import { existsSync } from "node:fs";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { cli, clockAt, sample, temporary, withStore } from "./harness.ts";

/** Verbs of every kind; `$v1` and the like are digests. A picture of the graph has its nodes in another order, so it is not one of them. */
const LINES = [
  "ls --all store",
  "tags store",
  "resolve oci:store:v1",
  "inspect oci:store:v1",
  "tree oci:store:v1",
  "discover oci:store:v1",
  "referrers oci:store:v1",
  "why oci:store@$shared",
  "roots store",
  "du store",
  "fsck store",
  "manifest fetch oci:store:v2",
  "blob fetch oci:store@$own",
  "tag oci:store:v1 also",
  "pin oci:store@$amd64 --name held",
  "config set store window=1h",
  "untag oci:store:also",
  "rm -n oci:store:v1",
  "rm -y oci:store:v1",
  "ls --all store",
  "rm -y oci:store@$amd64",
  "unpin oci:store held",
  "gc -n store --grace 0",
  "rm -y oci:store:v2",
  "undo store",
  "gc -y store --grace 0",
  "export store store.tar",
  "import store.tar copy",
  "cp oci:store:v2 oci:other:v2",
  "ls --all store",
  "resolve oci:store:v1",
  "gc -n store --full --max-freed 1B --max-time 1m",
  "config get store",
] as const;

test("every verb says and does with a catalog what it does without", async () => {
  const { cwd, directory, ...descriptors } = await sample();
  const other = await temporary();
  await cp(directory, join(other, "store"), { recursive: true, preserveTimestamps: true });
  expect(await cli(["index", "store"], { cwd: other })).toMatchObject({ exit: 0 });
  expect(existsSync(join(other, "store/.ocistore/catalog.db"))).toBe(true);
  // Behind the arrival of everything, and not standing still, since there are runs.
  let now = Date.now() + 10_000;
  const clock = clockAt(() => now);
  const sayingOf = async (line: string, at: string) => {
    const full = line.replace(/\$(\w+)/g, (_, name) => descriptors[name as keyof typeof descriptors].digest);
    const { exit, out, err } = await cli(full.split(" "), { cwd: at, clock, env: { TERM: "dumb" } });
    // A plain layout has but one time for a file, that of its arrival and of its last touch.
    const said = `${exit}\n${out}${err}`.replaceAll(/ +\d+s {2}/g, " AGE ");
    return said.replaceAll(/(?<![0-9a-f:])[0-9a-f]{32}(?![0-9a-f])/g, "RUN").replaceAll(at, "AT");
  };
  for (const line of LINES) {
    now += 1000;
    const [plain, withCatalog] = [await sayingOf(line, cwd), await sayingOf(line, other)];
    expect(`${line}: ${withCatalog}`).toBe(`${line}: ${plain}`);
  }
});

test("a store that is made with a catalog is used with it from the first push on, and shows other tools what is in it", async () => {
  const cwd = await temporary();
  expect(await cli(["init", "store", "--shared"], { cwd })).toMatchObject({
    exit: 0,
    out: "oci:store  grace 1d, window 1d\n",
    err: "",
  });
  expect(await cli(["init", "store"], { cwd })).toMatchObject({ exit: 2 });
  expect(await cli(["config", "get", "store"], { cwd })).toMatchObject({
    out: expect.stringContaining("window     1d"),
  });
  await writeFile(join(cwd, "notes"), "something");
  expect(await cli(["push", "oci:store:v1", "notes"], { cwd })).toMatchObject({ exit: 0 });
  const { manifests } = JSON.parse(await readFile(join(cwd, "store/index.json"), "utf8"));
  expect(manifests).toMatchObject([{ annotations: { "org.opencontainers.image.ref.name": "v1" } }]);
  await expect(withStore(join(cwd, "store"), async () => {})).rejects.toMatchObject({ code: "UNSUPPORTED" });
});

test("what another tool has done to index.json is said, by verbs that only look as well", async () => {
  const { cwd, v2 } = await sample();
  await cli(["index", "store"], { cwd });
  const path = join(cwd, "store/index.json");
  const index = JSON.parse(await readFile(path, "utf8"));
  const name = "org.opencontainers.image.ref.name";
  await writeFile(
    path,
    JSON.stringify({
      ...index,
      manifests: index.manifests.map((each: { digest: string }) =>
        each.digest === v2.digest ? { ...each, annotations: { [name]: "theirs" } } : each,
      ),
    }),
  );
  const { out, err } = await cli(["tags", "store"], { cwd });
  expect(out).toBe("theirs\nv1\n");
  expect(err).toContain("another tool has made 1 entry of index.json, taken in");
  expect(err).toMatch(/another tool has taken out 1 entry of index.json; `ocistore undo [0-9a-f]{32}`/);
  expect((await cli(["tags", "store"], { cwd })).err).toBe("");
});

/** Rows of the catalog go, as nobody of ours lets them. */
function damage(directory: string, sql: string): void {
  const db = new Database(join(directory, ".ocistore/catalog.db"));
  db.pragma("foreign_keys = OFF");
  db.exec(sql);
  db.close();
}

test("fsck says what the catalog and the bytes do not agree in, and --repair makes the catalog anew", async () => {
  const { cwd, directory } = await sample();
  await cli(["index", "store"], { cwd });
  const before = await cli(["ls", "--all", "store", "--json"], { cwd });
  damage(directory, "DELETE FROM edges");
  const { exit, out, json } = await cli(["fsck", "store", "--json"], { cwd });
  expect({ exit, edges: json.filter(({ finding }) => finding === "edges").length }).toEqual({ exit: 4, edges: 5 });
  expect(out).toContain('"advice":"rebuild the catalog from what is stored"');
  expect((await cli(["fsck", "store"], { cwd })).out).toContain("error: edges  sha256:");

  const dry = await cli(["fsck", "--repair", "-n", "store"], { cwd });
  expect(dry).toMatchObject({ exit: 0, out: expect.stringContaining("would be: the catalog is made anew") });
  expect((await cli(["fsck", "store"], { cwd })).exit).toBe(4);
  const repaired = await cli(["fsck", "--repair", "store"], { cwd });
  expect(repaired).toMatchObject({ exit: 0, out: expect.stringContaining("now: the catalog is made anew") });
  expect(await cli(["fsck", "--repair", "store"], { cwd })).toMatchObject({ exit: 0, err: "" });
  expect((await cli(["ls", "--all", "store", "--json"], { cwd })).out).toBe(before.out);
});

test("a catalog that is no database is said to be that, with what to do; index and fsck --repair make it anew", async () => {
  const { cwd, directory } = await sample();
  await cli(["index", "store"], { cwd });
  const path = join(directory, ".ocistore/catalog.db");
  for (const mend of [
    ["index", "store"],
    ["fsck", "--repair", "store"],
  ]) {
    await writeFile(path, "no database");
    for (const line of [
      ["tags", "store"],
      ["gc", "-y", "store"],
      ["fsck", "store"],
    ]) {
      const { exit, err } = await cli(line, { cwd });
      expect(exit).toBe(1);
      expect(err).toMatch(/file is not a database .* — `ocistore index .*store` makes the catalog anew/);
    }
    const dry = await cli(["fsck", "--repair", "-n", "store"], { cwd });
    expect(dry).toMatchObject({ exit: 0, out: expect.stringContaining("error: catalog  ") });
    expect(await readFile(path, "utf8")).toBe("no database");
    const { exit, err } = await cli(mend, { cwd });
    expect({ exit, isSaid: err.includes("could not be read: everything") }).toEqual({ exit: 0, isSaid: true });
    expect(await cli(["tags", "store"], { cwd })).toMatchObject({ out: "v1\nv2\n" });
  }
  expect((await cli(["fsck", "store"], { cwd })).exit).toBe(0);
  expect(existsSync(join(directory, ".ocistore/damaged/catalog.db.2"))).toBe(true);
});

test("a catalog of a newer ocistore is left as it is", async () => {
  const { cwd, directory } = await sample();
  await cli(["index", "store"], { cwd });
  damage(directory, "PRAGMA user_version = 99");
  for (const line of [
    ["tags", "store"],
    ["index", "store"],
    ["fsck", "--repair", "store"],
  ]) {
    const { exit, err } = await cli(line, { cwd });
    expect({ exit, err }).toEqual({
      exit: 2,
      err: expect.stringContaining("a newer ocistore has written this catalog"),
    });
  }
});
