import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { digestOf, type Environment, type Store, systemEnvironment } from "@ocistore/core";
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { openLayout } from "../../src/index.ts";
import { compiled } from "../support/compiled.ts";
import { errorsOf } from "../support/content.ts";
import { realPlace } from "../support/file-systems.ts";
import { hashOf, type UploadTask } from "../support/upload-child.ts";

// Each starts several processes.
vi.setConfig({ testTimeout: 120_000 });

const MIB = 1024 * 1024;
let build: Awaited<ReturnType<typeof compiled>>;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  build = await compiled();
}, 120_000);
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
});
afterAll(() => build?.remove());

function start(task: UploadTask) {
  const script = join(build.directory, "test/support/upload-child.js");
  const child = spawn(process.execPath, [script, JSON.stringify(task)], { stdio: ["pipe", "pipe", "inherit"] });
  children.add(child);
  const lines: Interface = createInterface(child.stdout!);
  const said: string[] = [];
  lines.on("line", (line) => said.push(line));
  const ended = once(child, "close").then(() => void children.delete(child));
  const saying = (text: string) => expect.poll(() => said, { timeout: 60_000 }).toContain(text);
  const kill = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  return { child, said, ended, saying, kill, goOn: () => child.stdin!.write("go on\n") };
}

async function place() {
  const directory = join((await realPlace()).directory, "layout");
  const open = async (env?: Environment): Promise<Store> => {
    const store = await openLayout(directory, { create: true, env });
    onTestFinished(() => store.close());
    return store;
  };
  await open();
  const uploads = () => readdir(join(directory, ".ocistore/uploads")).catch(() => []);
  return { directory, open, uploads };
}

const piece = (number: number) => new Uint8Array(MIB).fill(number);

test("of two processes that write to one upload, one is refused, and told by whom", async () => {
  const { directory, open, uploads } = await place();
  const task = { directory, do: "put", id: "one", pieces: 4 } as const;
  const first = start({ ...task, pauseAt: 2 });
  await first.saying("waiting");
  const second = start(task);
  await second.ended;
  expect(second.said[0]).toMatch(new RegExp(`^failed LOCKED process ${first.child.pid} on `));
  const store = await open();
  const listed = [];
  for await (const each of store.uploads()) listed.push(each);
  const holder = expect.stringContaining(`process ${first.child.pid} on `);
  expect(listed).toMatchObject([{ id: "one", offset: 2 * MIB, holder }]);
  await expect(store.dropUpload("one")).rejects.toMatchObject({ code: "LOCKED", data: { holders: [holder] } });
  // Nor does a collection take it, however long nothing has come.
  const later = await open({ ...systemEnvironment, now: () => systemEnvironment.now() + 24 * 60 * 60_000 });
  expect(await later.collect({ grace: 0 })).toMatchObject({ uploads: 0 });
  first.goOn();
  await first.ended;
  expect(first.said).toContain(hashOf(4));
  expect(await uploads()).toEqual([]);
  expect(await errorsOf(store)).toEqual([]);
});

test("a process is killed half-way, and exactly one of several goes on, with the right bytes", async () => {
  const { directory, open, uploads } = await place();
  const task = { directory, do: "put", id: "one", pieces: 6 } as const;
  const first = start({ ...task, pauseAt: 3 });
  await first.saying("waiting");
  await first.kill();
  expect(await uploads()).toEqual(expect.arrayContaining(["one", ".one.lock"]));
  const others = [0, 1, 2].map(() => start({ ...task, pauseAt: 4 }));
  await expect
    .poll(() => others.flatMap(({ said }) => said.filter((line) => /^waiting|^failed/.test(line))).length, {
      timeout: 60_000,
    })
    .toBe(3);
  expect(others.map(({ said }) => said[0]?.replace(/ process.*/, "")).sort()).toEqual([
    "failed LOCKED",
    "failed LOCKED",
    `from ${3 * MIB}`,
  ]);
  // Those that were refused have nothing to wait for, and may be gone.
  for (const other of others) if (other.said.includes("waiting")) other.goOn();
  await Promise.all(others.map(({ ended }) => ended));
  expect(others.flatMap(({ said }) => said)).toContain(hashOf(6));
  expect(await uploads()).toEqual([]);
  expect(await errorsOf(await open())).toEqual([]);
});

test("who began an upload does not trust its own hash once another process has been at it", async () => {
  const { directory, open } = await place();
  const store = await open();
  const mine = await store.parts.blobs.upload("one", { create: true });
  await mine.write(
    (async function* () {
      yield piece(0);
    })(),
    { at: 0 },
  );
  await mine.release();
  const other = start({ directory, do: "append", id: "one", pieces: 2 });
  await other.ended;
  expect(other.said).toContain(`at ${2 * MIB}`);
  // Behind: it neither writes nor commits.
  await expect(
    mine.write(
      (async function* () {
        yield piece(9);
      })(),
      { at: MIB },
    ),
  ).rejects.toMatchObject({
    code: "CONFLICT",
  });
  await expect(mine.commit(digestOf(piece(0)))).rejects.toMatchObject({ code: "CONFLICT" });
  const again = await store.parts.blobs.upload("one");
  expect(again.offset).toBe(2 * MIB);
  expect((await again.commit(undefined)).digest).toBe(hashOf(2));
  await again.abort();
});

test("while a handle has not let go, no other process writes", async () => {
  const { directory, open } = await place();
  const store = await open();
  const mine = await store.parts.blobs.upload("one", { create: true });
  await mine.write(
    (async function* () {
      yield piece(0);
    })(),
    { at: 0 },
  );
  const other = start({ directory, do: "append", id: "one", pieces: 2 });
  await other.ended;
  expect(other.said[0]).toMatch(new RegExp(`^failed LOCKED process ${process.pid} on `));
  expect((await mine.commit(undefined)).digest).toBe(hashOf(1));
  await mine.abort();
});

test("what a killed process has left goes with its upload", async () => {
  const { directory, open, uploads } = await place();
  const first = start({ directory, do: "put", id: "one", pieces: 4, pauseAt: 2 });
  await first.saying("waiting");
  await first.kill();
  const later = await open({ ...systemEnvironment, now: () => systemEnvironment.now() + 2 * 60 * 60_000 });
  expect(await later.collect({ grace: 0 })).toMatchObject({ uploads: 1 });
  expect(await uploads()).toEqual([]);
});

test("a large blob passes in little memory, also when it goes on", async () => {
  const { directory, open } = await place();
  const task = { directory, do: "put", id: "one", pieces: 256 } as const;
  const first = start({ ...task, pauseAt: 128 });
  await first.saying("waiting");
  await first.kill();
  const second = start(task);
  await second.ended;
  expect(second.said).toEqual([`from ${128 * MIB}`, hashOf(256), expect.stringMatching(/^rss \d+$/)]);
  expect(Number(second.said[2]!.slice(4))).toBeLessThan(200);
  expect((await (await open()).repository().bytes(hashOf(256), { limit: 256 * MIB })).length).toBe(256 * MIB);
});
