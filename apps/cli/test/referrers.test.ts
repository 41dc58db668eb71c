import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cli, clockAt, sample, snapshot } from "./harness.ts";

const NOTHING = `sha256:${"0".repeat(64)}`;

/** Something that refers to a signature, and so is two steps from what that signs. */
async function attached() {
  const all = await sample();
  const { cwd, signature } = all;
  await writeFile(join(cwd, "sbom.json"), "{}");
  const argv = [
    "attach",
    `oci:store@${signature.digest}`,
    "sbom.json:application/json",
    "--artifact-type",
    "test/sbom",
  ];
  const { json } = await cli([...argv, "--json", "-q"], { cwd });
  return { ...all, sbom: String(json[0]!.attached) };
}

test("attach: files as a referrer, which has no tag and lives with its subject", async () => {
  const { cwd, v2 } = await sample();
  await writeFile(join(cwd, "note.txt"), "hello");
  const argv = [
    "attach",
    "oci:store:v2",
    "note.txt:text/plain",
    "--artifact-type",
    "test/note",
    "--annotation",
    "by=me",
  ];
  const { exit, out, err } = await cli(argv, { cwd });
  expect(exit).toBe(0);
  expect(err).toMatch(/^stored note\.txt {2}5 B {2}sha256:[0-9a-f]{64}\n$/);
  const digest = out.trim().replace("oci:store@", "");
  const [inspected] = (await cli(["inspect", out.trim(), "--json"], { cwd })).json;
  expect(inspected).toMatchObject({
    artifactType: "test/note",
    annotations: { by: "me" },
    subject: { digest: v2.digest, size: v2.size, mediaType: v2.mediaType },
    layers: [{ mediaType: "text/plain", size: 5, annotations: { "org.opencontainers.image.title": "note.txt" } }],
    tags: [],
  });
  const again = await cli([...argv, "--json"], { cwd });
  expect(again.json).toEqual([
    expect.objectContaining({ attached: digest, subject: v2.digest, artifactType: "test/note" }),
  ]);
  const bare = await cli(["attach", "oci:store:v2", "--artifact-type", "test/mark", "--annotation", "ok=yes"], { cwd });
  expect(bare.exit).toBe(0);
});

test("attach: what is wrong changes nothing", async () => {
  const { cwd, directory, shared } = await sample();
  await writeFile(join(cwd, "f"), "");
  const before = await snapshot(join(directory, "blobs"));
  const type = ["--artifact-type", "test/note"];
  const exits = [
    ["oci:store:v1", "f"],
    ["oci:store:v1", "f", "--artifact-type", "none"],
    ["oci:store:v1", ...type],
    ["oci:store:v1", "f", ...type, "--annotation", "x"],
    ["oci:store:v1", "missing", ...type],
    ["oci:store:nope", "f", ...type],
    [`oci:store@${shared.digest}`, "f", ...type],
    ["oci:nowhere:v1", "f", ...type],
  ].map(async (argv) => (await cli(["attach", ...argv], { cwd })).exit);
  expect(await Promise.all(exits)).toEqual([2, 2, 2, 2, 3, 3, 3, 3]);
  expect(await snapshot(join(directory, "blobs"))).toEqual(before);
  expect((await readdir(cwd)).sort()).toEqual(["f", "store"]);
});

test("referrers: one a line, of one type", async () => {
  const { cwd, signature, sbom, v2, shared } = await attached();
  const listed = await cli(["referrers", "oci:store:v1", "--full"], { cwd });
  expect(listed).toMatchObject({ exit: 0, err: "" });
  expect(listed.out).toBe(`${signature.digest}  test/signature  ${signature.size} B\n`);
  const { json } = await cli(["referrers", `oci:store@${signature.digest}`, "--json"], { cwd });
  expect(json).toEqual([expect.objectContaining({ digest: sbom, artifactType: "test/sbom" })]);
  const none = await cli(["referrers", "oci:store:v1", "--artifact-type", "test/other"], { cwd });
  expect(none).toMatchObject({ exit: 0, out: "", err: "nothing of this type refers to it\n" });
  expect((await cli(["referrers", `oci:store@${v2.digest}`, "-q"], { cwd })).exit).toBe(0);
  for (const missing of [NOTHING, shared.digest]) {
    expect((await cli(["referrers", `oci:store@${missing}`], { cwd })).exit).toBe(3);
  }
});

test("discover: referrers of referrers, as deep as wanted", async () => {
  const { cwd, v1, signature, sbom } = await attached();
  const { exit, out } = await cli(["discover", "oci:store:v1", "--full"], { cwd });
  expect(exit).toBe(0);
  const lines = out.trimEnd().split("\n");
  expect(lines[0]).toContain("oci:store");
  expect(lines.slice(1)).toEqual([
    expect.stringMatching(`^└─ test/signature {2}${signature.digest} `),
    expect.stringMatching(`^ {3}└─ test/sbom {2}${sbom} `),
  ]);
  const { json } = await cli(["discover", "oci:store:v1", "--json"], { cwd });
  expect(json.map(({ depth, digest }) => [depth, digest])).toEqual([
    [0, v1.digest],
    [1, signature.digest],
    [2, sbom],
  ]);
  const shallow = await cli(["discover", "oci:store:v1", "--depth", "1", "--json"], { cwd });
  expect(shallow.json).toHaveLength(2);
  expect(
    (await cli(["discover", "oci:store:v1", "--artifact-type", "test/sbom", "--json"], { cwd })).json,
  ).toHaveLength(1);
  expect((await cli(["discover", "oci:store:v1", "--depth", "0"], { cwd })).exit).toBe(2);
  expect((await cli(["discover", `oci:store@${NOTHING}`], { cwd })).exit).toBe(3);
});

test("resolve: the digest alone", async () => {
  const { cwd, v1, shared } = await sample();
  expect(await cli(["resolve", "oci:store:v1"], { cwd })).toMatchObject({ exit: 0, out: `${v1.digest}\n`, err: "" });
  const { json } = await cli(["resolve", `oci:store@${v1.digest.slice(0, 20)}`, "--json"], { cwd });
  expect(json).toEqual([{ digest: v1.digest, mediaType: v1.mediaType, size: v1.size }]);
  for (const missing of [":nope", `@${NOTHING}`, `@${shared.digest}`]) {
    expect((await cli(["resolve", `oci:store${missing}`], { cwd })).exit).toBe(3);
  }
});

test("tags: in the order of ASCII, page by page", async () => {
  const { cwd, v1, v2 } = await sample();
  await cli(["tag", "oci:store:v1", "Z", "a", "v10"], { cwd });
  expect(await cli(["tags", "oci:store"], { cwd })).toMatchObject({ exit: 0, out: "Z\na\nv1\nv10\nv2\n", err: "" });
  expect((await cli(["tags", "store", "--last", "a", "--limit", "2"], { cwd })).out).toBe("v1\nv10\n");
  const { json } = await cli(["tags", "store", "--last", "v1", "--json"], { cwd });
  expect(json).toEqual([
    { tag: "v10", digest: v1.digest },
    { tag: "v2", digest: v2.digest },
  ]);
  expect((await cli(["tags", "store", "--limit", "0"], { cwd })).exit).toBe(2);
  expect((await cli(["tags", "oci:store:v1"], { cwd })).exit).toBe(2);
  expect((await cli(["tags", "nowhere"], { cwd })).exit).toBe(3);
});

test("pin and unpin: it stays without a tag, until it is unpinned or the time has come", async () => {
  const { cwd, v2, shared } = await sample();
  const clock = clockAt(() => Date.parse("2030-01-01T00:00:00Z"));
  const pinned = await cli(["pin", "oci:store:v2", "release"], { cwd, clock });
  expect(pinned).toMatchObject({ exit: 0, out: `release -> ${v2.digest}\n`, err: "" });
  await cli(["untag", "oci:store:v2", "-q"], { cwd, clock });
  const roots = async () => (await cli(["roots", "store", "--json"], { cwd, clock })).json;
  expect(await roots()).toContainEqual(expect.objectContaining({ root: "pin", name: "release", digest: v2.digest }));
  const timed = ["pin", `oci:store@${v2.digest}`, "soon", "--json"];
  const end = "2030-01-08T00:00:00.000Z";
  expect((await cli([...timed, "--for", "7d"], { cwd, clock })).json).toEqual([
    { pinned: "soon", digest: v2.digest, until: end },
  ]);
  expect((await cli([...timed, "--until", "2030-01-08"], { cwd, clock })).json).toEqual([
    { pinned: "soon", digest: v2.digest, until: end },
  ]);
  const wrong = [
    ["--for", "0"],
    ["--until", "2029-12-31"],
    ["--until", "soon"],
    ["--for", "1d", "--until", "2031-01-01"],
  ];
  for (const flags of wrong) expect((await cli([...timed, ...flags], { cwd, clock })).exit).toBe(2);
  expect((await cli(["pin", "oci:store:nope", "x"], { cwd })).exit).toBe(3);
  expect((await cli(["pin", "oci:store:v1", "../x y"], { cwd })).exit).toBe(2);
  expect((await cli(["pin", `oci:store@${shared.digest}`, "layer"], { cwd })).exit).toBe(0);
  expect((await cli(["unpin", "store", "release", "--json"], { cwd })).json).toEqual([{ unpinned: "release" }]);
  expect(await cli(["unpin", "store", "release"], { cwd })).toMatchObject({
    exit: 3,
    err: "ocistore: no pin release in store — `ocistore roots oci:store` lists them\n",
  });
});
