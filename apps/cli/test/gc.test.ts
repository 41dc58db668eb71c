import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cli, clockAt, sample, snapshot, text, withStore } from "./harness.ts";

test("frees what nothing keeps, once it is past the grace; and says what it held back", async () => {
  const { cwd, v1 } = await sample();
  await cli(["untag", "oci:store:v1"], { cwd });
  const young = await cli(["gc", "--yes", "oci:store", "--json"], { cwd });
  expect(young.exit).toBe(0);
  expect(young.json).toEqual([{ summary: { removed: 0, bytes: 0, kept: 7 } }]);
  expect(JSON.parse(young.err)).toEqual({ heldBack: "grace", digests: 7, bytes: expect.any(Number) });
  expect((await cli(["prune", "--yes", "store"], { cwd })).err).toMatch(
    /^held back 7 digests, .* kB: younger than the grace of 1h/,
  );

  const dry = await cli(["gc", "-n", "oci:store", "--grace", "0", "--json"], { cwd });
  const { exit, json } = await cli(["gc", "--yes", "oci:store", "--grace", "0", "--json"], { cwd });
  expect(exit).toBe(0);
  expect(json[0]).toEqual({
    removed: expect.any(String),
    size: expect.any(Number),
    kind: "manifest",
    reason: "nothing keeps it",
  });
  expect(json.map(({ removed }) => removed)).toContain(v1.digest);
  expect(json.at(-1)).toEqual({ summary: { removed: 7, bytes: expect.any(Number), kept: 0 } });
  expect(dry.json.slice(0, -1)).toEqual(json.slice(0, -1));
  expect((await cli(["gc", "--yes", "oci:store", "--grace", "0"], { cwd })).out).toBe("removed 0 digests, 0 B freed\n");
});

test("-n changes nothing, even where nothing may be written", async () => {
  const { cwd, directory } = await sample();
  await cli(["untag", "oci:store:v1"], { cwd });
  const before = await snapshot(directory);
  await chmod(directory, 0o555);
  expect((await cli(["gc", "-n", "--grace", "0", "oci:store"], { cwd })).exit).toBe(0);
  await chmod(directory, 0o755);
  const after = await snapshot(directory);
  // The change of mode is ours.
  expect({ ...after, ".": "", "": "" }).toEqual({ ...before, ".": "", "": "" });
});

test("a layout of another tool: condemned first, erased by a gc after an hour", async () => {
  const { cwd, directory, v1 } = await sample();
  await cli(["untag", "oci:store:v1"], { cwd });
  // What makes it ours is this file.
  const { rm } = await import("node:fs/promises");
  await rm(join(directory, ".ocistore"), { recursive: true });
  const later = (ms: number) => clockAt(() => Date.now() + ms);
  const HOUR = 3_600_000;

  const first = await cli(["gc", "--yes", "store", "--json"], { cwd, clock: later(2 * HOUR) });
  expect(first.json.map(({ condemned }) => condemned)).toContain(v1.digest);
  expect(first.json.at(-1)).toMatchObject({ summary: { removed: 0, bytes: 0, condemned: 7 } });
  expect(first.err).toContain(`{"waits":${HOUR}}`);
  const soon = await cli(["gc", "--yes", "store", "--json"], { cwd, clock: later(2.5 * HOUR) });
  expect(soon.json).toEqual([{ summary: { removed: 0, bytes: 0, kept: 0 } }]);

  const dry = await cli(["gc", "-n", "store", "--json"], { cwd, clock: later(4 * HOUR) });
  const last = await cli(["gc", "--yes", "store", "--json"], { cwd, clock: later(4 * HOUR) });
  expect(last.json.map(({ removed }) => removed)).toContain(v1.digest);
  expect(last.json[0]).toMatchObject({ reason: "condemned by an earlier run" });
  expect(last.json.at(-1)).toEqual({ summary: { removed: 7, bytes: expect.any(Number), kept: 0 } });
  expect(dry.json.slice(0, -1)).toEqual(last.json.slice(0, -1));
});

test("what an open session claims is held back, with its bytes", async () => {
  const { cwd, directory } = await sample();
  await withStore(directory, async (store) => {
    const session = store.repository().openSession("mine");
    await session.putBlob(text("just uploaded"));
    const { json, err } = await cli(["gc", "--yes", "store", "--grace", "0", "--json"], { cwd });
    expect(json).toEqual([{ summary: { removed: 0, bytes: 0, kept: 0 } }]);
    expect(
      err
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { shorter: "grace", ms: 0, policy: 3_600_000 },
      { heldBack: "claims", digests: 1, bytes: 13 },
    ]);
    await session.end();
  });
});

test("while a manifest in use cannot be read no bytes go, and it says which", async () => {
  const { cwd, directory, amd64 } = await sample();
  await cli(["untag", "oci:store:v2"], { cwd });
  const path = join(directory, "blobs", "sha256", amd64.digest.slice(7));
  await chmod(path, 0o644);
  await writeFile(path, "{");
  const { exit, json, err } = await cli(["gc", "--yes", "store", "--grace", "0", "--json"], { cwd });
  expect(exit).toBe(0);
  expect(json.at(-1)).toMatchObject({ summary: { removed: 0 } });
  expect(err).toContain('"heldBack":"unreadable"');
  expect(err).toContain(amd64.digest);
});

test("a saved plan", async () => {
  const { cwd } = await sample();
  await cli(["untag", "oci:store:v1"], { cwd });
  const saved = await cli(["gc", "store", "--grace", "0", "--save-plan", "plan", "--json"], { cwd });
  expect(saved.exit).toBe(0);
  expect((await cli(["gc", "store", "--apply", "plan", "--grace", "0", "--yes"], { cwd })).exit).toBe(2);
  expect((await cli(["gc", "store", "--apply", "plan", "-n"], { cwd })).exit).toBe(2);
  const applied = await cli(["gc", "store", "--apply", "plan", "--yes", "--json"], { cwd });
  expect(applied.json.slice(0, -1)).toEqual(saved.json.slice(0, -1));
});

test("what came back into use since the plan was saved stays", async () => {
  const { cwd, v1 } = await sample();
  await cli(["untag", "oci:store:v1"], { cwd });
  await cli(["gc", "store", "--grace", "0", "--save-plan", "plan"], { cwd });
  expect((await cli(["tag", `oci:store@${v1.digest}`, "back"], { cwd })).exit).toBe(0);
  const applied = await cli(["gc", "store", "--apply", "plan", "--yes", "--json"], { cwd });
  // Its signature has come back with it.
  expect(applied.json).toEqual([{ summary: { removed: 0, bytes: 0, kept: 7 } }]);
  expect(applied.err).toContain('"skipped"');
  expect((await cli(["fsck", "store"], { cwd })).exit).toBe(0);
});

test("without --yes: 2; a wrong duration: 2; no store: 2; no directory: 3", async () => {
  const { cwd } = await sample();
  expect((await cli(["gc", "oci:store"], { cwd })).exit).toBe(2);
  expect((await cli(["gc", "--yes", "--grace", "soon", "oci:store"], { cwd })).exit).toBe(2);
  expect((await cli(["gc", "--yes"], { cwd })).exit).toBe(2);
  expect((await cli(["gc", "--yes", "oci:store:v1"], { cwd })).exit).toBe(2);
  expect((await cli(["gc", "--yes", "nowhere"], { cwd })).exit).toBe(3);
  expect((await cli(["gc", "--yes"], { cwd, env: { OCISTORE_STORE: "oci:store" } })).exit).toBe(0);
});
