import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { nodeFileSystem, openLayout } from "@ocistore/backend-fs";
import { copy, digestOf, openMemory, packManifest, type Store } from "@ocistore/core";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { bytes } from "../../../packages/backend-fs/test/support/bytes.ts";
import { errorsOf } from "../../../packages/backend-fs/test/support/content.ts";
import { faultyFileSystem } from "../../../packages/backend-fs/test/support/faulty-file-system.ts";

const HERE = fileURLToPath(new URL("..", import.meta.url));
const BIN = fileURLToPath(new URL("../../../apps/cli/bin/ocistore.js", import.meta.url));

beforeAll(() => access(fileURLToPath(new URL("../../../apps/cli/dist/main.js", import.meta.url))));

async function temporary(): Promise<string> {
  const base = await mkdtemp(join(tmpdir(), "ocistore-streams-"));
  onTestFinished(() => rm(base, { recursive: true, force: true }));
  return join(base, "layout");
}

/** Resolves when a file has so many bytes. */
async function grownTo(directory: string, size: number): Promise<void> {
  for (;;) {
    for (const name of await readdir(directory).catch(() => [])) {
      if (!name.startsWith(".") && (await stat(join(directory, name))).size >= size) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("F25: SIGTERM in the middle of a push ends it in order: what has come stays, and the same command goes on from there", async () => {
  const directory = await temporary();
  const half = new Uint8Array(1_000_000).fill(1);
  const whole = new Uint8Array(2_000_000).fill(1);
  const argv = ["blob", "put", `oci:${directory}`, "-", "--digest", digestOf(whole), "--json"];
  const child = spawn(process.execPath, [BIN, ...argv], { stdio: ["pipe", "pipe", "ignore"] });
  const ended = once(child, "close");
  child.stdin.on("error", () => {});
  child.stdin.write(half);
  await grownTo(join(directory, ".ocistore/uploads"), half.length);
  child.kill("SIGTERM");
  expect(await ended).toEqual([143, null]);
  const store = await openLayout(directory);
  const uploads = [];
  for await (const { offset, holder } of store.uploads()) uploads.push({ offset, holder });
  expect(uploads).toEqual([{ offset: half.length, holder: undefined }]);

  const again = spawn(process.execPath, [BIN, ...argv], { stdio: ["pipe", "pipe", "ignore"] });
  const out: Buffer[] = [];
  again.stdout.on("data", (piece) => out.push(piece));
  again.stdin.end(whole);
  expect(await once(again, "close")).toEqual([0, null]);
  expect(JSON.parse(Buffer.concat(out).toString())).toMatchObject({ resumed: half.length, size: whole.length });
  expect(await errorsOf(store)).toEqual([]);
  await store.close();
});

test("F26: many large blobs that are stored and read at once take a fixed amount of memory", async () => {
  const directory = await temporary();
  const [COUNT, PIECES, PIECE] = [32, 16, 1024 * 1024];
  const script = `
    import { openLayout } from "@ocistore/backend-fs";
    const store = await openLayout(${JSON.stringify(directory)}, { create: true });
    async function* source(at) {
      for (let n = 0; n < ${PIECES}; n++) yield new Uint8Array(${PIECE}).fill(at);
    }
    const stored = await store.repository().session((session) =>
      Promise.all(Array.from({ length: ${COUNT} }, (_, at) => session.putBlob(source(at)))));
    const lengths = await Promise.all(stored.map(async ({ digest }) => {
      let length = 0;
      for await (const piece of store.repository().blob(digest)) length += piece.length;
      return length;
    }));
    console.log(JSON.stringify({ bytes: lengths.reduce((a, b) => a + b, 0), rss: process.resourceUsage().maxRSS * 1024 }));
  `;
  const argv = ["--max-old-space-size=64", "--input-type=module", "-e", script];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: HERE });
  const { bytes: read, rss } = JSON.parse(stdout);
  expect(read).toBe(COUNT * PIECES * PIECE);
  // A few pieces for each that is under way, and Node itself; all of it together would be more than three times as much.
  expect(rss).toBeLessThan(COUNT * 4 * PIECE + 100 * 1024 * 1024);
});

async function image(store: Store, tag: string): Promise<void> {
  await store.repository().session(async (session) => {
    const layers = [await session.putBlob(bytes(`the layer of ${tag}`))];
    await session.putManifest(packManifest({ artifactType: "test/streams", layers }), { tags: [tag] });
  });
}

test("F27: what a caller's stream or callback throws is what he gets, and the store goes on, with nothing held and nothing open", async () => {
  const directory = await temporary();
  const faulty = faultyFileSystem(nodeFileSystem());
  const store = await openLayout(directory, { create: true, fs: faulty });
  const repository = store.repository();
  await image(store, "v1");
  const mine = new RangeError("the caller's own");
  const fail = (): never => {
    throw mine;
  };
  async function* source() {
    yield bytes("some of it");
    fail();
  }
  const garbage = () => repository.session((session) => session.putBlob(bytes("nobody names this")));
  const requests: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["a stream that throws", () => repository.session((session) => session.putBlob(source()))],
    ["one that throws at once", () => repository.session((session) => session.putBlob({ stream: fail }))],
    ["the work of a session", () => repository.session(fail)],
    ["told what was collected", async () => (await garbage()) && store.collect({ grace: 0, onOutcome: fail })],
    [
      "told how a copy goes on",
      async () => copy(repository, (await openMemory()).repository(), "v1", { onProgress: fail }),
    ],
    ["who reads", () => readAnd(repository.blob(digestOf(bytes("the layer of v1"))), fail)],
  ];
  for (const [what, request] of requests) {
    const error: Error | undefined = await request().then(
      () => undefined,
      (caught) => caught,
    );
    expect(error === mine || error?.cause === mine, `${what}: ${error}`).toBe(true);
    expect(faulty.openHandles, what).toBe(0);
    await image(store, "after");
    await store.collect();
  }
  const deaf = await openLayout(directory, { onEvent: fail });
  await image(deaf, "v2");
  expect(await errorsOf(store)).toEqual([]);
  expect(await readdir(join(directory, ".ocistore/uploads"))).toEqual([]);
});

async function readAnd(pieces: AsyncIterable<Uint8Array>, work: () => void): Promise<void> {
  for await (const _ of pieces) work();
}
