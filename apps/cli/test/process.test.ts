import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { access, open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { nodeFileSystem, openLock } from "@ocistore/backend-fs";
import { systemEnvironment } from "@ocistore/core";
import { beforeAll, expect, test, vi } from "vitest";
import { Interrupted } from "../src/signals.ts";
import { cli, sample, temporary } from "./harness.ts";

// The executable as it is installed, which is what `dist` holds: the root's `pnpm test` builds that first.

const BIN = fileURLToPath(new URL("../bin/ocistore.js", import.meta.url));

beforeAll(() => access(fileURLToPath(new URL("../dist/main.js", import.meta.url))));

const start = (argv: readonly string[], cwd: string): ChildProcessWithoutNullStreams =>
  spawn(process.execPath, [BIN, ...argv], { cwd, env: { ...process.env, OCISTORE_STORE: "" } });

async function end(child: ChildProcessWithoutNullStreams) {
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on("data", (chunk) => out.push(chunk));
  child.stderr.on("data", (chunk) => err.push(chunk));
  child.stdin.end();
  const [exit, signal] = await once(child, "close");
  return { exit, signal, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() };
}

test("the executable does what run() does", async () => {
  const { cwd } = await sample();
  const inProcess = await cli(["roots", "store", "--json"], { cwd });
  expect(await end(start(["roots", "store", "--json"], cwd))).toMatchObject({ exit: 0, out: inProcess.out, err: "" });
  expect((await end(start(["rm", "oci:store:v1"], cwd))).exit).toBe(2);
  expect((await end(start(["rm", "-n", "oci:store:nope"], cwd))).exit).toBe(3);
  expect((await end(start(["rm", "--yes", "oci:store:v1", "--json"], cwd))).out).toContain('{"summary":{"removed":7,');
});

test.each([
  ["SIGINT", 130, "interrupted"],
  ["SIGTERM", 143, "terminated"],
] as const)("%s ends it with %i, and nothing is lost", async (signal, code, words) => {
  const { cwd, directory } = await sample();
  // It waits for the lock of the store, which this process has.
  const lock = await openLock(nodeFileSystem(), join(directory, ".ocistore", "lock"), systemEnvironment);
  const release = await lock.acquire({});
  const child = start(["rm", "--yes", "oci:store:v1"], cwd);
  const ended = end(child);
  await once(child.stderr, "data"); // what it says before it begins
  child.kill(signal);
  const { exit, out, err } = await ended;
  await release();
  expect({ exit, out }).toEqual({ exit: code, out: "" });
  expect(err).toMatch(new RegExp(`^ocistore: ${words} — `, "m"));
  expect((await cli(["fsck", "store"], { cwd })).exit).toBe(0);
  expect((await cli(["ls", "store", "--json"], { cwd })).json.map(({ ref }) => ref)).toEqual(["v1", "v2"]);
});

test.each([
  ["blob put", ["blob", "put", "oci:store", "-"]],
  ["push", ["push", "oci:store:piped", "-"]],
])("a signal ends %s while stdin is open and nothing comes", async (_, argv) => {
  const { cwd, directory } = await sample();
  const child = start(argv, cwd);
  const exit = once(child, "exit");
  // The upload is there just before the first read.
  await vi.waitFor(() => expect(readdirSync(join(directory, ".ocistore", "uploads"))).not.toEqual([]), 20_000);
  await setTimeout(300);
  child.kill("SIGTERM");
  expect(await exit).toEqual([143, null]);
  expect((await cli(["ls", "store", "--json"], { cwd })).json.map(({ ref }) => ref)).toEqual(["v1", "v2"]);
});

test("who reads only the beginning ends a listing, without a word; a deletion goes on to its end", async () => {
  const { cwd } = await sample();
  const names = Array.from({ length: 2000 }, (_, at) => `tag-${at}-${"x".repeat(60)}`);
  expect((await cli(["tag", "oci:store:v2", ...names], { cwd })).exit).toBe(0);
  const listing = start(["roots", "store", "--json"], cwd);
  listing.stdout.once("data", () => listing.stdout.destroy());
  expect(await end(listing)).toMatchObject({ exit: 0, err: "" });
  const deletion = start(["rm", "--yes", "oci:store:v1", "--json", "--quiet"], cwd);
  deletion.stdout.destroy();
  expect(await end(deletion)).toMatchObject({ exit: 0, err: "" });
  expect((await cli(["ls", "store", "--json"], { cwd })).json.map(({ ref }) => ref)).not.toContain("v1");
});

test.runIf(existsSync("/dev/full"))("a result that cannot be written is a failure: 1", async () => {
  const { cwd } = await sample();
  const full = await open("/dev/full", "w");
  const child = spawn(process.execPath, [BIN, "ls", "store"], { cwd, stdio: ["ignore", full.fd, "pipe"] });
  const err: Buffer[] = [];
  child.stderr!.on("data", (chunk) => err.push(chunk));
  const [exit] = await once(child, "close");
  await full.close();
  expect({ exit, err: Buffer.concat(err).toString() }).toEqual({
    exit: 1,
    err: expect.stringMatching(/^ocistore: ENOSPC/),
  });
});

test("an interrupt that came before it began", async () => {
  const { cwd } = await sample();
  const signal = AbortSignal.abort(new Interrupted("SIGINT"));
  expect(await cli(["ls", "store"], { cwd, signal })).toMatchObject({ exit: 130, out: "" });
});

test("where SQLite cannot be loaded, init says so in one line, names --catalog none, and makes nothing", async () => {
  const cwd = await temporary();
  const hooks = `export const resolve = (name, context, next) => {
    if (name === "better-sqlite3") throw new Error("no such addon here\\nand more");
    return next(name, context);
  };`;
  const register = `import { register } from "node:module"; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`)});`;
  const flags = ["--import", `data:text/javascript,${encodeURIComponent(register)}`];
  const without = (argv: readonly string[]) => end(spawn(process.execPath, [...flags, BIN, ...argv], { cwd }));
  const { exit, err } = await without(["init", "store"]);
  expect(exit).toBe(2);
  expect(err).toMatch(
    /^ocistore: SQLite cannot be loaded: no such addon here — `--catalog none` makes a store without it; .*\n$/,
  );
  expect(existsSync(join(cwd, "store"))).toBe(false);
  expect(await without(["init", "store", "--catalog", "none"])).toMatchObject({ exit: 0, err: "" });
  expect(await without(["tags", "store"])).toMatchObject({ exit: 0, err: "" });
});
