import { execFile } from "node:child_process";
import { access, chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openLayout } from "@ocistore/backend-fs";
import { packManifest, type Store } from "@ocistore/core";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { bytes } from "../../../packages/backend-fs/test/support/bytes.ts";
import { errorsOf, tagsOf } from "../../../packages/backend-fs/test/support/content.ts";
import { CAN_MOUNT, mountReadOnly } from "../src/mounts.ts";

// Limits of the system itself. Processes of their own run what is built, as users have it.

const HERE = fileURLToPath(new URL("..", import.meta.url));
const BIN = fileURLToPath(new URL("../../../apps/cli/bin/ocistore.js", import.meta.url));

beforeAll(() => access(fileURLToPath(new URL("../../../apps/cli/dist/main.js", import.meta.url))));

async function place() {
  const base = await mkdtemp(join(tmpdir(), "ocistore-limits-"));
  onTestFinished(() => rm(base, { recursive: true, force: true }));
  await chmod(base, 0o755);
  const directory = join(base, "layout");
  const store = await openLayout(directory, { create: true });
  onTestFinished(() => store.close());
  await push(store, "v1");
  return { base, directory, store };
}

async function push(store: Store, tag: string): Promise<void> {
  await store.repository().session(async (session) => {
    const layers = [await session.putBlob(bytes(`the layer of ${tag}`))];
    await session.putManifest(packManifest({ artifactType: "test/limits", layers }), { tags: [tag] });
  });
}

/** Runs a command under a limit of the shell. */
async function limited(limit: string, argv: readonly string[]): Promise<{ exit: number; out: string; err: string }> {
  const script = `ulimit ${limit} && exec "$@"`;
  try {
    const { stdout, stderr } = await promisify(execFile)("bash", ["-c", script, "bash", process.execPath, ...argv], {
      cwd: HERE,
    });
    return { exit: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { exit: code, out: stdout, err: stderr };
  }
}

test("F12: a thousand requests without a file descriptor left all say so, leak none, and then it works", async () => {
  const { directory, store } = await place();
  const script = `
    import { closeSync, openSync, readdirSync } from "node:fs";
    import { openLayout } from "@ocistore/backend-fs";
    const store = await openLayout(${JSON.stringify(directory)});
    const repository = store.repository();
    const put = (text) => repository.session((session) => session.putBlob(new TextEncoder().encode(text)));
    await put("loads what is loaded late");
    const tags = async () => { for await (const _ of repository.tags()); };
    await tags();
    const open = () => readdirSync("/proc/self/fd").length;
    const base = open();
    const taken = [];
    try { for (;;) taken.push(openSync("/dev/null")); } catch (error) { if (error.code !== "EMFILE") throw error; }
    const codes = {};
    const count = (error) => { const code = error ? error.code + " " + error.cause?.code : "done"; codes[code] = (codes[code] ?? 0) + 1; };
    for (let at = 0; at < 250; at++) {
      const requests = [put("x" + at), tags(), repository.manifest("v1"), repository.untag("v1")];
      await Promise.all(requests.map((request) => request.then(() => count(), count)));
    }
    for (const fd of taken) closeSync(fd);
    const after = open();
    await put("works again");
    console.log(JSON.stringify({ codes, leaked: after - base }));
  `;
  const { out, err } = await limited("-n 256", ["--input-type=module", "-e", script]);
  expect(err).toBe("");
  expect(JSON.parse(out)).toEqual({ codes: { "UNAVAILABLE EMFILE": 1000 }, leaked: 0 });
  expect(await errorsOf(store)).toEqual([]);
  expect(Object.keys(await tagsOf(store.repository()))).toEqual(["v1"]);
});

test("F1: a file that may not grow further (EFBIG) is no space, for the command too; nothing of it stays", async () => {
  const { base, directory } = await place();
  await writeFile(join(base, "large"), new Uint8Array(300_000).fill(1));
  const put = ["blob", "put", `oci:${directory}`, join(base, "large"), "--json"];
  const { exit, err } = await limited("-f 128", [BIN, ...put]);
  expect(exit).toBe(1);
  expect(JSON.parse(err.trim().split("\n").at(-1)!)).toMatchObject({ error: { code: "NO_SPACE" } });
  expect((await limited("-f unlimited", [BIN, ...put])).exit).toBe(0);
  expect(await readdir(join(directory, ".ocistore/uploads"))).toEqual([]);
});

/** As somebody who owns nothing here. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  process.seteuid!(65534);
  try {
    return await work();
  } finally {
    process.seteuid!(0);
  }
}

// Root may read and write whatever the modes say, and only root can become somebody else.
test.runIf(CAN_MOUNT)(
  "F13: what a user may not read or write is forbidden, with its path, and never absent",
  async () => {
    const { directory, store } = await place();
    const { digest, layers } = {
      ...(await store.repository().resolve("v1")),
      ...(await store.repository().manifest("v1")),
    };
    const manifest = join(directory, "blobs", digest.replace(":", "/"));
    const layer = join(directory, "blobs", layers[0]!.digest.replace(":", "/"));
    const read = async () => {
      const another = await openLayout(directory, { readOnly: true });
      await another.repository().manifest("v1");
      return another.repository().bytes(layers[0]!.digest);
    };
    await asNobody(read);
    for (const path of [directory, join(directory, "blobs"), join(directory, "index.json"), manifest, layer]) {
      const { mode } = await stat(path);
      await chmod(path, 0);
      const error = await asNobody(read).catch((caught) => caught);
      expect(error, path).toMatchObject({ code: "PERMISSION", data: { path: expect.stringContaining(path) } });
      await chmod(path, mode);
    }
    await asNobody(async () => {
      const mine = await openLayout(directory);
      await expect(push(mine, "v2")).rejects.toMatchObject({
        code: "PERMISSION",
        data: { path: expect.stringContaining(directory) },
      });
      await expect(mine.repository().delete("v1")).rejects.toMatchObject({ code: "PERMISSION" });
    });
    await asNobody(read);
    expect(await errorsOf(store)).toEqual([]);
  },
);

test.runIf(CAN_MOUNT)(
  "F13: a layout on a disk that is mounted read-only can be read, and says what it is when it is changed",
  async () => {
    const { directory, store } = await place();
    const unmount = mountReadOnly(directory);
    const readOnly = { code: "READ_ONLY", data: { path: expect.stringContaining(directory) } };
    for (const each of [store, await openLayout(directory)]) {
      expect(Object.keys(await tagsOf(each.repository()))).toEqual(["v1"]);
      await expect(push(each, "v2")).rejects.toMatchObject(readOnly);
      await expect(each.repository().untag("v1")).rejects.toMatchObject(readOnly);
      await expect(each.collect()).rejects.toMatchObject(readOnly);
      expect(await errorsOf(each)).toEqual([]);
    }
    unmount();
    await push(store, "v2");
  },
);
