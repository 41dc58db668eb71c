import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, MANIFEST_LIMIT, MEDIA_TYPES } from "@ocistore/core";
import { expect, test } from "vitest";
import { cli, sample, text } from "./harness.ts";

test("manifest get: the bytes exactly, to stdout or a file, or the descriptor", async () => {
  const { cwd, v1, shared } = await sample();
  const { bytes, exit, err } = await cli(["manifest", "get", "oci:store:v1"], { cwd });
  expect([exit, err]).toEqual([0, ""]);
  expect(digestOf(bytes)).toBe(v1.digest);
  expect((await cli(["manifest", "get", "oci:store:v1", "-o", "m.json"], { cwd })).exit).toBe(0);
  expect(await readFile(join(cwd, "m.json"))).toEqual(bytes);
  const { json } = await cli(["manifest", "get", "oci:store:v1", "--descriptor"], { cwd });
  expect(json).toEqual([{ digest: v1.digest, mediaType: v1.mediaType, size: v1.size }]);
  for (const target of [":nope", `@${shared.digest}`]) {
    expect((await cli(["manifest", "get", `oci:store${target}`], { cwd })).exit).toBe(3);
  }
  await writeFile(join(cwd, "store", "blobs", ...v1.digest.split(":")), bytes.toString().replace("linux", "LINUX"));
  const damaged = await cli(["manifest", "get", `oci:store@${v1.digest}`, "-o", "bad.json"], { cwd });
  expect([damaged.exit === 0, damaged.out]).toEqual([false, ""]);
  expect(await readdir(cwd)).not.toContain("bad.json");
});

test("manifest put: bytes as they are, with tags; what is missing or none is refused", async () => {
  const { cwd, v2 } = await sample();
  const { bytes } = await cli(["manifest", "get", "oci:store:v2"], { cwd });
  const spaced = Buffer.concat([bytes, text("\n")]);
  const argv = ["manifest", "put", "oci:store:copy", "-", "--tag", "more"];
  const { exit, out, err } = await cli(argv, { cwd, piped: spaced });
  expect([exit, out]).toEqual([0, `oci:store@${digestOf(spaced)}\n`]);
  expect(err).toBe("tagged copy\ntagged more\n");
  expect((await cli(["manifest", "get", "oci:store:more"], { cwd })).bytes).toEqual(spaced);
  await writeFile(join(cwd, "m.json"), bytes);
  const file = await cli(["manifest", "put", "oci:store", "m.json", "--json"], { cwd });
  expect(file.json).toEqual([expect.objectContaining({ digest: v2.digest, size: v2.size, tags: [] })]);
  const absent = { mediaType: MEDIA_TYPES.imageManifest, digest: `sha256:${"1".repeat(64)}`, size: 9 };
  const index = text(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.imageIndex, manifests: [absent] }));
  const missing = await cli(["manifest", "put", "oci:store:sparse", "-", "--json"], { cwd, piped: index });
  expect(missing.exit).toBe(1);
  expect(JSON.parse(missing.err)).toMatchObject({ error: { code: "MISSING_CONTENT" } });
  expect((await cli(["manifest", "put", "oci:store:sparse", "-", "--sparse"], { cwd, piped: index })).exit).toBe(0);
  const large = await cli(["manifest", "put", "oci:store", "-", "--json"], {
    cwd,
    piped: Buffer.alloc(MANIFEST_LIMIT + 1),
  });
  expect(JSON.parse(large.err)).toMatchObject({ error: { code: "MANIFEST_TOO_LARGE" } });
  const none = await cli(["manifest", "put", "oci:made", "-", "--json"], { cwd, piped: text("not JSON") });
  expect(JSON.parse(none.err)).toMatchObject({ error: { code: "USAGE" } });
  expect(await readdir(cwd)).not.toContain("made");
  expect((await cli(["manifest", "put", "oci:store", "nope.json"], { cwd })).exit).toBe(3);
  expect((await cli(["manifest", "put", "oci:store", "m.json", "--media-type", "x"], { cwd })).exit).toBe(2);
});

test("manifest rm: as rm, and never a blob", async () => {
  const { cwd, v2, shared } = await sample();
  const blob = await cli(["manifest", "rm", "-y", `oci:store@${shared.digest}`], { cwd });
  expect(blob.exit).toBe(2);
  expect(blob.err).toContain("ocistore blob rm oci:store@");
  expect((await cli(["manifest", "rm", "oci:store:v2"], { cwd })).exit).toBe(2);
  expect((await cli(["manifest", "rm", "-y", "oci:store:nope"], { cwd })).exit).toBe(3);
  expect((await cli(["manifest", "rm", "-y", "oci:store:nope", "--ignore-missing"], { cwd })).exit).toBe(0);
  const { exit, json } = await cli(["manifest", "rm", "-y", `oci:store@${v2.digest}`, "--json"], { cwd });
  expect(exit).toBe(0);
  expect(json).toContainEqual(expect.objectContaining({ removed: v2.digest, kind: "manifest" }));
  expect((await cli(["resolve", "oci:store:v2"], { cwd })).exit).toBe(3);
});

test("manifest rm deletes one that cannot be read", async () => {
  const { cwd, v2 } = await sample();
  await writeFile(join(cwd, "store", "blobs", ...v2.digest.split(":")), "damaged");
  const { exit, json } = await cli(["manifest", "rm", "-y", `oci:store@${v2.digest}`, "--json"], { cwd });
  expect(exit).toBe(0);
  expect(json).toContainEqual(expect.objectContaining({ removed: v2.digest }));
});
