import { chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cli, sample } from "./harness.ts";

const short = (digest: string) => digest.slice(0, 19);

test("ls", async () => {
  const { cwd, v1, v2, amd64, arm64, signature } = await sample();
  const { json } = await cli(["ls", "oci:store", "--json"], { cwd });
  const CONFIG = '{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}'.length;
  const bytes = v1.size + amd64.size + arm64.size + 2 * CONFIG + 23 + 14;
  const pushed = expect.stringMatching(/^\d{4}-\d\d-\d\dT/);
  expect(json).toEqual([
    { ref: "v1", digest: v1.digest, kind: "index", size: bytes, platforms: ["linux/amd64", "linux/arm64"], pushed },
    {
      ref: "v2",
      digest: v2.digest,
      kind: "artifact",
      size: expect.any(Number),
      platforms: [],
      artifactType: "test/notes",
      pushed,
    },
  ]);
  const { out } = await cli(["ls", "store"], { cwd });
  const lines = out.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^REF {2}DIGEST +KIND +SIZE +AGE +PLATFORMS OR TYPE$/);
  expect(lines[1]).toMatch(
    new RegExp(`^v1 {3}${short(v1.digest)} {2}index +1.62 kB +\\ds {2}linux/amd64, linux/arm64$`),
  );
  expect(lines[2]).toMatch(/^v2 .* artifact .* test\/notes$/);
  const all = await cli(["ls", "store", "--all", "--json"], { cwd });
  expect(all.json.slice(2).map(({ digest }) => digest)).toEqual(
    [amd64, arm64, signature].map(({ digest }) => digest).sort(),
  );
  expect(
    all.json
      .slice(2)
      .map(({ kind }) => kind)
      .sort(),
  ).toEqual(["artifact", "image", "image"]);
  expect((await cli(["ls", "store", "--full"], { cwd })).out).toContain(v1.digest);
  expect((await cli(["ls"], { cwd, env: { OCISTORE_STORE: "store" } })).out).toBe(out);
});

test("ls of nothing", async () => {
  const { cwd } = await sample();
  await cli(["init", "empty", "--catalog", "none"], { cwd });
  expect(await cli(["ls", "empty"], { cwd })).toMatchObject({ exit: 0, out: "", err: "nothing is stored here\n" });
  expect(await cli(["ls", "empty", "--json"], { cwd })).toMatchObject({ exit: 0, out: "", err: "" });
  expect((await cli(["ls", "nowhere"], { cwd })).exit).toBe(3);
  expect((await cli(["ls", "."], { cwd })).exit).toBe(1);
});

test("inspect: a manifest, a blob, the raw bytes, the start of a digest", async () => {
  const { cwd, v1, shared, signature, amd64 } = await sample();
  const [index] = (await cli(["inspect", "oci:store:v1", "--json"], { cwd })).json;
  expect(index).toMatchObject({
    digest: v1.digest,
    kind: "index",
    tags: ["v1"],
    platforms: ["linux/amd64", "linux/arm64"],
    manifests: [{ digest: amd64.digest }, {}],
    referrers: [{ digest: signature.digest, artifactType: "test/signature" }],
  });
  const { out } = await cli(["inspect", `oci:store@${short(v1.digest)}`], { cwd });
  expect(out).toContain(`${v1.digest}  index\n`);
  expect(out).toContain(`manifest      ${amd64.digest}`);
  const blob = await cli(["inspect", `oci:store@${shared.digest}`, "--json"], { cwd });
  expect(blob.json).toEqual([{ digest: shared.digest, kind: "blob", size: 23, stored: expect.any(String) }]);
  const raw = await cli(["inspect", "--raw", "oci:store:v1"], { cwd });
  expect(raw.out).toHaveLength(v1.size);
  expect((await cli(["inspect", `oci:store@sha256:${"0".repeat(64)}`], { cwd })).exit).toBe(3);
  expect((await cli(["inspect", "oci:store@sha256:00000000"], { cwd })).exit).toBe(3);
  expect((await cli(["inspect", "oci:store:nope"], { cwd })).exit).toBe(3);
});

test("tree: platforms, config, layers, referrers; what is shared once", async () => {
  const { cwd, v1, amd64, arm64, shared, own, signature } = await sample();
  const { out } = await cli(["tree", "oci:store:v1"], { cwd });
  const lines = out.trimEnd().split("\n");
  expect(lines[0]).toBe(`oci:store:v1  ${short(v1.digest)}  index  491 B`);
  expect(lines[1]).toMatch(new RegExp(`^├─ linux/amd64 {2}${short(amd64.digest)} {2}image`));
  expect(lines[2]).toMatch(/^│ {2}├─ config {2}sha256:/);
  expect(lines[3]).toBe(`│  ├─ layer  ${short(shared.digest)}  23 B`);
  expect(lines[4]).toBe(`│  └─ layer  ${short(own.digest)}  14 B`);
  expect(lines[5]).toMatch(new RegExp(`^├─ linux/arm64 {2}${short(arm64.digest)}`));
  expect(lines[7]).toBe(`│  └─ layer  ${short(shared.digest)}  23 B  as above`);
  expect(lines[8]).toMatch(new RegExp(`^└─ referrer {2}${short(signature.digest)} {2}test/signature`));
  expect(out).not.toContain("\x1b");
  const { json } = await cli(["tree", "oci:store:v1", "--json"], { cwd });
  expect(json).toHaveLength(lines.length);
  expect(json[3]).toEqual({
    depth: 2,
    role: "layer",
    digest: shared.digest,
    parent: amd64.digest,
    size: 23,
    mediaType: "application/vnd.oci.image.layer.v1.tar",
    isRepeated: false,
    isStored: true,
  });
  const all = await cli(["tree", "store"], { cwd });
  expect(all.out).toContain("oci:store:v1  ");
  expect(all.out).toContain("oci:store:v2  ");
});

test("colours only on a terminal, and not where they are not wanted", async () => {
  const { cwd } = await sample();
  expect((await cli(["tree", "oci:store:v1"], { cwd, typed: "" })).out).toContain("\x1b[36mlinux/amd64\x1b[39m");
  expect((await cli(["tree", "oci:store:v1"], { cwd, typed: "", env: { NO_COLOR: "1" } })).out).not.toContain("\x1b");
});

test("why: the shortest way, all of them, none", async () => {
  const { cwd, shared, own, v1, v2, amd64, signature } = await sample();
  const one = await cli(["why", `oci:store@${own.digest}`, "--json"], { cwd });
  expect(one).toMatchObject({ exit: 0, err: "" });
  expect(one.json).toEqual([
    {
      digest: own.digest,
      kept: true,
      root: { why: "tag", name: "v1", digest: v1.digest },
      chain: [
        { digest: v1.digest, keeps: "content" },
        { digest: amd64.digest, keeps: "content" },
        { digest: own.digest },
      ],
    },
  ]);
  const { out, err } = await cli(["why", shared.digest.slice(7, 20), "--store", "store"], { cwd });
  expect(out).toBe(
    [
      `${shared.digest}  blob  23 B  is kept by`,
      "  tag v2",
      `  └─ ${short(v2.digest)}  artifact test/notes`,
      `     └─ ${short(shared.digest)}  blob  named by it`,
      "",
    ].join("\n"),
  );
  expect(err).toBe("and by others: --all lists every root that keeps it\n");
  const all = await cli(["why", "--all", `oci:store@${shared.digest}`, "--json"], { cwd });
  expect(all.json.map(({ root }) => (root as { name: string }).name).sort()).toEqual(["v1", "v2"]);
  const referrer = await cli(["why", `oci:store@${signature.digest}`], { cwd });
  expect(referrer.out).toContain(`     └─ ${short(signature.digest)}  artifact test/signature  refers to it\n`);
  await cli(["untag", "oci:store:v1"], { cwd });
  const garbage = await cli(["why", `oci:store@${own.digest}`, "--json"], { cwd });
  expect(garbage).toMatchObject({ exit: 0, json: [{ digest: own.digest, kept: false }] });
  expect((await cli(["why", `oci:store@sha256:${"0".repeat(64)}`], { cwd })).exit).toBe(3);
});

test("roots and du", async () => {
  const { cwd, v1, v2 } = await sample();
  const roots = await cli(["roots", "store"], { cwd });
  expect(roots.out).toBe(`tag v1 -> ${v1.digest}  index  1.62 kB\ntag v2 -> ${v2.digest}  artifact  439 B\n`);
  expect((await cli(["roots", "store", "--json"], { cwd })).json).toEqual([
    { root: "tag", name: "v1", digest: v1.digest, kind: "index", size: 1620 },
    { root: "tag", name: "v2", digest: v2.digest, kind: "artifact", size: 439 },
  ]);
  const { json } = await cli(["du", "store", "--json"], { cwd });
  const [first, second, last] = json as [
    Record<string, number>,
    Record<string, number>,
    { total: Record<string, number> },
  ];
  expect(first).toMatchObject({ root: "tag", name: "v1", digest: v1.digest });
  expect(first.size).toBe(first.shared! + first.unique!);
  // The layer, and the empty config of signature and notes.
  expect([first.shared, second.shared]).toEqual([25, 25]);
  expect(last).toEqual({ total: { live: first.unique! + second.unique! + 25, garbage: 0, condemned: 0, uploads: 0 } });
  const { out } = await cli(["du", "store"], { cwd });
  expect(out).toMatch(/^REF +SIZE +SHARED +UNIQUE\nv1 .*\nv2 .*\nin use .* kB, garbage 0 B\n$/);
});

test("graph", async () => {
  const { cwd, v1, amd64, shared } = await sample();
  const mermaid = await cli(["graph", "oci:store:v1"], { cwd });
  expect(mermaid.out).toMatch(/^flowchart LR\n {2}n0\["index<br\/>sha256:/);
  expect(mermaid.out).toContain('  t0(["v1"]) --> n0\n');
  expect(mermaid.out).toMatch(/n\d -\.->\|subject\| n0/);
  expect(mermaid.out).not.toContain("v2");
  const dot = await cli(["graph", "store", "--format", "dot"], { cwd });
  expect(dot.out).toMatch(/^digraph store \{\n/);
  expect(dot.out).toContain(`  "${v1.digest}" -> "${amd64.digest}" [label="manifest"];\n`);
  const json = await cli(["graph", "store", "--format", "json"], { cwd });
  expect(json.json).toContainEqual({ from: amd64.digest, to: shared.digest, edge: "layer" });
  expect(json.json).toContainEqual({ tag: "v2", to: expect.any(String) });
  expect(json.json).toContainEqual({ node: shared.digest, kind: "blob" });
  expect((await cli(["graph", "store", "--json"], { cwd })).out).toBe(json.out);
  expect((await cli(["graph", "store", "--format", "png"], { cwd })).exit).toBe(2);
});

test("fsck: sound, then with a damaged and a missing blob: 4", async () => {
  const { cwd, directory, shared, own, amd64, v1 } = await sample();
  expect(await cli(["fsck", "store"], { cwd })).toMatchObject({
    exit: 0,
    out: expect.stringMatching(/^checked 10 blobs, .*: all is sound\n$/),
  });
  const blob = (digest: string) => join(directory, "blobs", "sha256", digest.slice(7));
  await chmod(blob(shared.digest), 0o644);
  await writeFile(blob(shared.digest), "a layer that all shaRe\n");
  await rm(blob(own.digest));
  const { exit, json } = await cli(["verify", "store", "--json"], { cwd });
  expect(exit).toBe(4);
  const missing = { finding: "missing", level: "error", digest: own.digest, namedBy: amd64.digest };
  expect(json).toEqual([
    { ...missing, message: "layer is not stored", advice: expect.any(String) },
    {
      finding: "corrupt",
      level: "error",
      digest: shared.digest,
      message: expect.any(String),
      advice: expect.any(String),
    },
    { summary: { checked: 9, bytes: expect.any(Number), errors: 2, warnings: 0 } },
  ]);
  const fast = await cli(["fsck", "--fast", "store"], { cwd });
  expect(fast).toMatchObject({ exit: 4, out: expect.stringContaining("checked names and sizes: 1 error, 0 warnings") });
  const tree = await cli(["tree", "oci:store:v1"], { cwd });
  expect(tree.out).toMatch(/14 B {2}not stored/);
  await writeFile(blob(v1.digest), "{");
  const ls = await cli(["ls", "store"], { cwd });
  expect(ls.exit).toBe(0);
  expect(ls.out).toContain("unreadable");
  expect(ls.err).toContain("cannot be read");
  expect((await cli(["inspect", "oci:store:v1"], { cwd })).out).toContain("unreadable");
  expect((await cli(["tree", "oci:store:v1"], { cwd })).out).toContain("unreadable");
});
