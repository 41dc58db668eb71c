import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { MEDIA_TYPES, packManifest } from "@ocistore/core";
import { expect, test } from "vitest";
import { cli, sample, snapshot, text, withStore } from "./harness.ts";

test("cp: an image with all it needs, into a store that is made; the result is its reference by digest", async () => {
  const { cwd, v1 } = await sample();
  const copied = await cli(["cp", "oci:store:v1", "oci:other"], { cwd });
  expect(copied.exit).toBe(0);
  expect(copied.out).toBe(`oci:other@${v1.digest}\n`);
  expect(copied.err).toMatch(/^tagged v1\nManifests: 3\/3 \| Blobs: \d+ B copied, 0 B skipped\n$/);
  expect((await cli(["inspect", "oci:other:v1", "--raw"], { cwd })).out).toBe(
    (await cli(["inspect", "oci:store:v1", "--raw"], { cwd })).out,
  );
  expect((await cli(["fsck", "oci:other"], { cwd })).exit).toBe(0);
  const again = await cli(["cp", "oci:store:v1", "oci:other"], { cwd });
  expect(again.err).toMatch(/^tagged v1\nManifests: 0\/3 \| Blobs: 0 B copied, \d+ B skipped\n$/);
});

test("cp: JSON", async () => {
  const { cwd, v1, v2 } = await sample();
  const copied = await cli(["cp", "oci:store:v1", "oci:other:new", "--tag", "more", "--tag", "new", "--json"], { cwd });
  expect(copied.json).toEqual([
    { copied: v1.digest, size: v1.size, mediaType: MEDIA_TYPES.imageIndex, tags: ["new", "more"] },
    {
      summary: {
        manifests: { copied: 3, copiedBytes: expect.any(Number), skipped: 0, skippedBytes: 0 },
        blobs: { copied: 4, copiedBytes: expect.any(Number), skipped: 0, skippedBytes: 0 },
        referrers: 0,
        leftOut: [],
      },
    },
  ]);
  expect(copied.err).toBe(`{"tagged":"new","digest":"${v1.digest}"}\n{"tagged":"more","digest":"${v1.digest}"}\n`);
  const [second] = (await cli(["cp", `oci:store@${v2.digest}`, "oci:other", "--json"], { cwd })).json;
  expect(second).toMatchObject({ copied: v2.digest, artifactType: "test/notes", tags: [] });
});

test("cp: bare words where the store is named elsewhere, and a new tag in the same store", async () => {
  const { cwd, v1 } = await sample();
  expect((await cli(["cp", "v1", "oci:other", "--store", "oci:store"], { cwd })).exit).toBe(0);
  const env = { OCISTORE_STORE: "oci:store" };
  const copied = await cli(["cp", "v1", "v9"], { cwd, env });
  expect(copied).toMatchObject({ exit: 0, out: `oci:store@${v1.digest}\n` });
  expect(copied.err).toMatch(/^tagged v9\nManifests: 0\/3 \| Blobs: 0 B copied/);
  expect((await cli(["ls", "store", "--json"], { cwd })).json.map(({ ref }) => ref)).toEqual(["v1", "v2", "v9"]);
});

test("cp: with what refers to it, or with all that is above it", async () => {
  const { cwd, signature, amd64, v1 } = await sample();
  const ls = async (store: string) =>
    (await cli(["ls", store, "--all", "--json"], { cwd })).json.map(({ digest }) => digest);
  await cli(["cp", "oci:store:v1", "oci:plain"], { cwd });
  expect(await ls("plain")).not.toContain(signature.digest);
  const signed = await cli(["cp", "-r", "oci:store:v1", "oci:signed", "--json"], { cwd });
  expect(signed.json[1]).toMatchObject({ summary: { manifests: { copied: 4 }, referrers: 1 } });
  expect(await ls("signed")).toContain(signature.digest);
  const above = await cli(["cp", "--above", `oci:store@${amd64.digest}`, "oci:above:amd64"], { cwd });
  expect(above.out).toBe(`oci:above@${amd64.digest}\n`);
  expect(await ls("above")).toEqual(expect.arrayContaining([v1.digest, signature.digest, amd64.digest]));
});

test("cp: one platform, several, and an index left as it is", async () => {
  const { cwd, amd64, arm64, v1 } = await sample();
  const one = await cli(["cp", "oci:store:v1", "oci:one", "--platform", "linux/amd64"], { cwd });
  expect(one.out).toBe(`oci:one@${amd64.digest}\n`);
  const both = ["--platform", "linux/arm64,linux/amd64"];
  expect((await cli(["cp", "oci:store:v1", "oci:both", ...both], { cwd })).out).toBe(`oci:both@${v1.digest}\n`);
  const sparse = await cli(["cp", "oci:store:v1", "oci:sparse", "--sparse", "--platform", "linux/arm64"], { cwd });
  expect(sparse.out).toBe(`oci:sparse@${v1.digest}\n`);
  expect(sparse.err).toContain("manifests left out, so that what names them is sparse: 1\n");
  expect((await cli(["inspect", `oci:sparse@${arm64.digest}`], { cwd })).exit).toBe(0);
  expect((await cli(["inspect", `oci:sparse@${amd64.digest}`], { cwd })).exit).toBe(3);
  const none = await cli(["cp", "oci:store:v1", "oci:none", "--platform", "linux/s390x"], { cwd });
  expect(none).toMatchObject({
    exit: 3,
    out: "",
    err: "ocistore: source: nothing for linux/s390x, but linux/amd64, linux/arm64 — `ocistore tree oci:store:v1` says what there is\n",
  });
  const lacking = await cli(["cp", "oci:sparse:v1", "oci:next"], { cwd });
  expect(lacking.exit).toBe(3);
  expect(lacking.err).toContain("--sparse leaves out what is absent of an index");
  expect((await cli(["cp", "oci:sparse:v1", "oci:next", "--sparse"], { cwd })).exit).toBe(0);
});

test("cp: all tags, and those that are there are left alone if that is asked for", async () => {
  const { cwd, v1, v2 } = await sample();
  const mine = await withStore(join(cwd, "other"), (store) =>
    store
      .repository()
      .session((session) => session.putManifest(packManifest({ artifactType: "test/mine" }), { tags: ["v1"] })),
  );
  const kept = await cli(["cp", "-a", "--no-clobber", "oci:store", "oci:other"], { cwd });
  expect(kept).toMatchObject({ exit: 0, out: `oci:other@${v2.digest}  v2\n` });
  expect(kept.err).toContain(`kept v1, which is there already, on ${mine.digest.slice(0, 19)}\ntagged v2\n`);
  const all = await cli(["cp", "-a", "-r", "-j", "1", "store", "oci:other", "--json"], { cwd });
  expect(all.json.slice(0, 2)).toMatchObject([
    { copied: v1.digest, tags: ["v1"] },
    { copied: v2.digest, tags: ["v2"] },
  ]);
  await cli(["init", "empty", "--catalog", "none"], { cwd });
  const none = await cli(["cp", "-a", "empty", "oci:other"], { cwd });
  expect(none).toMatchObject({ exit: 0, out: "" });
  expect(none.err).toContain("no tags in oci:empty to copy\n");
});

test("cp: a tag that is taken is not overwritten", async () => {
  const { cwd, directory } = await sample();
  const before = await readFile(join(directory, "index.json"), "utf8");
  const refused = await cli(["cp", "--no-clobber", "oci:store:v1", "oci:store:v2"], { cwd });
  expect(refused).toMatchObject({ exit: 2, out: "" });
  expect(refused.err).toMatch(/^ocistore: destination: tag v2 is on sha256:\w+, not new — without --no-clobber/);
  const json = await cli(["cp", "--no-clobber", "oci:store:v1", "oci:store:v2", "--json"], { cwd });
  expect(JSON.parse(json.err)).toMatchObject({
    error: { code: "CONFLICT", side: "destination", op: "tag", reference: "v2" },
  });
  expect(await readFile(join(directory, "index.json"), "utf8")).toBe(before);
  expect((await cli(["cp", "oci:store:v1", "oci:store:v2"], { cwd })).exit).toBe(0);
});

test("cp: a dry run prints what the real one does, and changes nothing", async () => {
  const { cwd, directory } = await sample();
  const argv = ["cp", "-r", "oci:store:v1", "oci:other"];
  const before = await snapshot(directory);
  const fresh = await cli([...argv, "-n"], { cwd });
  expect(await readdir(cwd)).toEqual(["store"]);
  const real = await cli(argv, { cwd });
  expect(fresh.out).toBe(real.out);
  expect(fresh.err).toBe(real.err.replace("Manifests:", "would be: Manifests:"));
  await rm(join(cwd, "other"), { recursive: true });
  await cli(["cp", "oci:store:v2", "oci:other"], { cwd });
  const other = await snapshot(join(cwd, "other"));
  const dry = await cli([...argv, "-n", "--json"], { cwd });
  expect(await snapshot(join(cwd, "other"))).toEqual(other);
  expect(await snapshot(directory)).toEqual(before);
  const done = await cli([...argv, "--json"], { cwd });
  expect(dry.json).toEqual([
    done.json[0],
    { summary: { ...(done.json[1] as { summary: object }).summary, dryRun: true } },
  ]);
});

test("cp: what is wrong is said, and no store is made of it", async () => {
  const { cwd, v1 } = await sample();
  const failures: [string[], number, string | RegExp][] = [
    [["oci:store:v9", "oci:other"], 3, "ocistore: v9 is not in oci:store — `ocistore ls oci:store` says what is\n"],
    [["oci:nowhere:v1", "oci:other"], 3, /no such directory: nowhere/],
    [["oci:store", "oci:other"], 2, /names a store and nothing in it/],
    [["oci:store:v1", `oci:other@${v1.digest}`], 2, /a tag, not a digest/],
    [[`oci:store@${v1.digest.slice(0, 20)}`, "oci:other"], 2, /only the start of a digest/],
    [["oci:store:v1", "oci:other", "--platform", "linux"], 2, /is no platform/],
    [["oci:store:v1", "oci:other", "-j", "0"], 2, /above 0/],
    [["oci:store:v1", "oci:other", "--tag", "-x"], 2, /not a reference/],
    [["-a", "oci:store", "oci:other:v1"], 2, /a whole store/],
    [["-a", "--above", "oci:store", "oci:other"], 2, /one or the other/],
    [["-a", "--platform", "linux/amd64", "oci:store", "oci:other"], 2, /every platform/],
    [["-a", "--tag", "x", "oci:store", "oci:other"], 2, /keeps the names/],
    [["--above", "--platform", "linux/amd64", "oci:store:v1", "oci:other"], 2, /whole indexes/],
    [["oci:store:v1", "oci-archive:other.tar"], 2, /is only read/],
    [["oci:store:v1"], 2, /missing required argument/],
  ];
  for (const [argv, exit, message] of failures) {
    const result = await cli(["cp", ...argv], { cwd });
    expect({ argv, exit: result.exit, out: result.out }).toEqual({ argv, exit, out: "" });
    expect(result.err).toMatch(message);
  }
  expect(await readdir(cwd)).toEqual(["store"]);
});

test("cp: a layer that is damaged in the source arrives nowhere", async () => {
  const { cwd, directory, own } = await sample();
  const { writeFile, chmod } = await import("node:fs/promises");
  const path = join(directory, "blobs", ...own.digest.split(":"));
  await chmod(path, 0o644);
  await writeFile(path, text("only of amd65\n"));
  const failed = await cli(["cp", "oci:store:v1", "oci:other"], { cwd });
  expect(failed).toMatchObject({ exit: 1, out: "" });
  expect(failed.err).toMatch(/^ocistore: source: the bytes under sha256:\w+ are sha256:\w+ — `ocistore fsck`/);
  expect((await cli(["ls", "oci:other", "--json"], { cwd })).json).toEqual([]);
});
