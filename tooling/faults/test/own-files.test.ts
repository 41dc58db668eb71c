import { execFile } from "node:child_process";
import { access, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openLayout } from "@ocistore/backend-fs";
import { packManifest } from "@ocistore/core";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { CAN_MOUNT, tmpfs } from "../src/mounts.ts";

// What the command writes beside a store, for its user: a failure leaves nothing half under a name, and is told as one of a store.

const BIN = fileURLToPath(new URL("../../../apps/cli/bin/ocistore.js", import.meta.url));
const TITLE = "org.opencontainers.image.title";
const SIZE = 300_000;

beforeAll(() => access(fileURLToPath(new URL("../../../apps/cli/dist/main.js", import.meta.url))));

/** A store whose `v1` has three files, of which the last is large. */
async function artifact() {
  const base = await mkdtemp(join(tmpdir(), "ocistore-own-files-"));
  onTestFinished(() => rm(base, { recursive: true, force: true }));
  const store = await openLayout(join(base, "store"), { create: true });
  const layers = await store.repository().session(async (session) => {
    const stored = [];
    for (const [at, title] of ["a", "in/b", "in/large"].entries()) {
      const blob = await session.putBlob(new Uint8Array(at === 2 ? SIZE : 5).fill(at));
      stored.push({ ...blob, annotations: { [TITLE]: title } });
    }
    await session.putManifest(packManifest({ artifactType: "test/files", layers: stored }), { tags: ["v1"] });
    return stored;
  });
  await store.close();
  return { base, large: layers[2]!.digest };
}

/** How a command ends of which no file may grow beyond so many KiB. */
function limited(cwd: string, kib: number | "unlimited", argv: readonly string[]) {
  return new Promise<{ exit: number; error?: { code: string; path: string; hint: string } }>((resolve) => {
    const words = ["-c", `ulimit -f ${kib} && exec "$@"`, "bash", process.execPath, BIN, ...argv, "--json"];
    execFile("bash", words, { cwd }, (failed, _, err) => {
      const exit = failed === null ? 0 : Number(failed.code);
      const told = err.trim().split("\n").at(-1)!;
      resolve({ exit, ...(exit !== 0 && { error: JSON.parse(told).error }) });
    });
  });
}

const noSpace = (path: string) => ({
  exit: 1,
  error: expect.objectContaining({
    code: "NO_SPACE",
    path: expect.stringContaining(path),
    hint: expect.stringContaining("make room"),
  }),
});

const all = async (directory: string) => (await readdir(directory, { recursive: true })).sort();

test("F1: `pull` of which one file cannot be written leaves none of them, nor a directory, and works when it can", async () => {
  const { base } = await artifact();
  const pull = ["pull", "oci:store:v1", "-o", "out"];
  const before = await all(base);
  expect(await limited(base, 128, pull)).toEqual(noSpace("out/in/large"));
  expect(await all(base)).toEqual(before);
  expect(await limited(base, "unlimited", pull)).toEqual({ exit: 0 });
  expect(await all(join(base, "out"))).toEqual(["a", "in", "in/b", "in/large"]);
});

test("F1: `pull --overwrite` that fails half-way leaves every file as it was", async () => {
  const { base } = await artifact();
  const out = join(base, "out");
  await limited(base, "unlimited", ["pull", "oci:store:v1", "-o", "out"]);
  for (const name of ["a", "in/b", "in/large"]) await writeFile(join(out, name), `mine: ${name}`);
  expect(await limited(base, 128, ["pull", "oci:store:v1", "-o", "out", "--overwrite"])).toEqual(noSpace("in/large"));
  expect(await all(out)).toEqual(["a", "in", "in/b", "in/large"]);
  for (const name of ["a", "in/b", "in/large"]) expect(await readFile(join(out, name), "utf8")).toBe(`mine: ${name}`);
});

test("F1: `blob get -o` says so, keeps what had the name, and leaves nothing beside it", async () => {
  const { base, large } = await artifact();
  const get = ["blob", "get", `oci:store@${large}`, "-o", "mine"];
  await writeFile(join(base, "mine"), "as it was");
  const before = await all(base);
  expect(await limited(base, 128, get)).toEqual(noSpace("mine"));
  expect(await all(base)).toEqual(before);
  expect(await readFile(join(base, "mine"), "utf8")).toBe("as it was");
  expect(await limited(base, "unlimited", get)).toEqual({ exit: 0 });
  expect((await readFile(join(base, "mine"))).length).toBe(SIZE);
});

// Only root may mount.
test.runIf(CAN_MOUNT)(
  "F1: on a disk that is really full `pull` and `blob get -o` say so, and nothing of it stays",
  async () => {
    const { base, large } = await artifact();
    const disk = await tmpfs(128 * 1024);
    for (const argv of [
      ["pull", "oci:store:v1", "-o", join(disk, "out")],
      ["blob", "get", `oci:store@${large}`, "-o", join(disk, "large")],
      ["rm", "oci:store:v1", "--save-plan", join(disk, "plan")],
    ]) {
      const isPlan = argv[0] === "rm";
      expect(await limited(base, "unlimited", argv)).toEqual(isPlan ? { exit: 0 } : noSpace(disk));
      expect(await all(disk)).toEqual(isPlan ? ["plan"] : []);
    }
  },
);

// A real file that ends too soon: the disk of the store fails, not that of the user.
test("`pull` of which one layer is damaged leaves nothing under any name", async () => {
  const { base, large } = await artifact();
  await writeFile(join(base, "store/blobs", large.replace(":", "/")), new Uint8Array(SIZE - 1).fill(2));
  const before = await all(base);
  const { exit, error } = await limited(base, "unlimited", ["pull", "oci:store:v1", "-o", "out"]);
  expect([exit, error?.code]).toEqual([1, "CORRUPT"]);
  expect(await all(base)).toEqual(before);
});
