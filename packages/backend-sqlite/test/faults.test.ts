import { execFileSync } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { openLayout } from "@ocistore/backend-fs";
import { ManualEnvironment } from "@ocistore/backend-suite";
import { isOciStoreError, openStore, packManifest, type Store } from "@ocistore/core";
import { describe, expect, test } from "vitest";
import { CAN_MOUNT, mountReadOnly, tmpfs } from "../../../tooling/faults/src/mounts.ts";
import type { Database } from "../src/index.ts";
import { connection, open, openWithMemory, temporary, temporaryFile, watched } from "./support/place.ts";

const KIB = 1024;

let made = 0;

async function push(store: Store, tag: string): Promise<void> {
  await store.repository("r").session(async (session) => {
    const layers = [await session.putBlob(Buffer.from(`layer ${++made}`))];
    await session.putManifest(packManifest({ artifactType: "test/fault", layers }), { tags: [tag] });
  });
}

async function tagsOf(store: Store): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of store.repository("r").tags()) names.push(name);
  return names;
}

async function mustBeSound(store: Store): Promise<void> {
  for await (const { level, code, message } of store.check())
    if (level === "error") throw new Error(`${code} ${message}`);
}

const codeOf = (run: () => Promise<unknown>) =>
  run().then(
    () => "none",
    (error) => (isOciStoreError(error) ? error.code : String(error)),
  );

// Only root may mount.
describe.runIf(CAN_MOUNT)("Q2: a disk that is really full", () => {
  test("what fails is NO_SPACE and leaves nothing, reads go on, and once there is space it works again", async () => {
    const directory = await tmpfs(1536 * KIB);
    const file = join(directory, "catalog.db");
    const env = new ManualEnvironment();
    const { store, catalog, blobs } = await openWithMemory(file, env);
    const acknowledged: string[] = [];
    let code = "none";
    while (code === "none" && acknowledged.length < 3000) {
      const tag = `t${String(acknowledged.length).padStart(4, "0")}`;
      code = await codeOf(() => push(store, tag));
      if (code === "none") acknowledged.push(tag);
    }
    expect(code).toBe("NO_SPACE");
    expect(acknowledged.length).toBeGreaterThan(3);
    expect(await tagsOf(store)).toEqual(acknowledged);
    await mustBeSound(store);
    expect(await codeOf(() => push(store, "again"))).toBe("NO_SPACE");
    // More space than there was; the log is written into the database by whoever commits next.
    execFileSync("mount", ["-o", `remount,size=${16 * KIB * KIB}`, directory]);
    await push(store, "t9999");
    expect(await tagsOf(store)).toEqual([...acknowledged, "t9999"]);
    await mustBeSound(store);
    await catalog.close();
    // Another process finds the same.
    const again = await openStore({ blobs, catalog: await open(file, { env }), env });
    expect(await tagsOf(again)).toEqual([...acknowledged, "t9999"]);
  });
});

test("Q2: a database that may grow no more says NO_SPACE, and takes back the whole command", async () => {
  const file = temporaryFile();
  const env = new ManualEnvironment();
  const opened: Database[] = [];
  const connect = () => {
    opened.push(connection(file));
    return opened.at(-1)!;
  };
  const { store } = await openWithMemory(file, env, { connect });
  await push(store, "first");
  const [writer] = opened as [Database];
  const pages = writer.pragma("page_count", { simple: true }) as number;
  writer.pragma(`max_page_count = ${pages}`);
  const acknowledged = ["first"];
  let code = "none";
  while (code === "none") {
    const tag = `t${String(acknowledged.length).padStart(4, "0")}`;
    code = await codeOf(() => push(store, tag));
    if (code === "none") acknowledged.push(tag);
  }
  expect(code).toBe("NO_SPACE");
  expect(await tagsOf(store)).toEqual(acknowledged);
  await mustBeSound(store);
  writer.pragma("max_page_count = 1000000");
  await push(store, "ways");
  expect(await tagsOf(store)).toEqual([...acknowledged, "ways"]);
});

test.each(["SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_FULL"])(
  "Q3: a commit that fails with %s is not acknowledged, and nothing of it is there",
  async (code) => {
    const file = temporaryFile();
    const env = new ManualEnvironment();
    let isFailing = false;
    const connect = () =>
      watched(connection(file), (sql) => {
        if (!isFailing || sql !== "COMMIT") return;
        isFailing = false;
        throw Object.assign(new Error("injected"), { code });
      });
    const { store } = await openWithMemory(file, env, { connect });
    await push(store, "first");
    isFailing = true;
    const failed = await codeOf(() => store.repository("r").untag("first"));
    expect(failed).toBe(code === "SQLITE_FULL" ? "NO_SPACE" : "UNAVAILABLE");
    expect(await tagsOf(store)).toEqual(["first"]);
    await store.repository("r").untag("first");
    expect(await tagsOf(store)).toEqual([]);
    await mustBeSound(store);
  },
);

describe("Q4: a damaged database", () => {
  async function filled() {
    const file = temporaryFile();
    const env = new ManualEnvironment();
    const { store, catalog, blobs } = await openWithMemory(file, env);
    for (let n = 0; n < 60; n++) await push(store, `t${n}`);
    await catalog.close();
    const again = async () => openStore({ blobs, catalog: await open(file, { env }), env });
    return { file, again };
  }

  /** Every question and every command: each fails as what it is, or works. */
  async function mustSayCorrupt(again: () => Promise<Store>): Promise<void> {
    const codes = new Set<string>();
    let store: Store | undefined;
    codes.add(
      await codeOf(async () => {
        store = await again();
      }),
    );
    if (store) {
      const { catalog } = store.parts;
      const repository = store.repository("r");
      for (const run of [
        () => tagsOf(store!),
        () => repository.resolve("t7"),
        () => push(store!, "new"),
        () => repository.delete("t9"),
        () => store!.collect({ grace: 0, full: true }),
        () => catalog.policy(),
      ]) {
        codes.add(await codeOf(run));
      }
    }
    expect([...codes]).toContain("CORRUPT");
    // Never the word for what is not stored, nor a crash without a code.
    expect([...codes].filter((code) => code !== "CORRUPT" && code !== "none")).toEqual([]);
  }

  test("whose header is overwritten is CORRUPT, and not made anew", async () => {
    const { file, again } = await filled();
    const handle = openSync(file, "r+");
    writeSync(handle, Buffer.alloc(100, 0xab), 0, 100, 0);
    closeSync(handle);
    const before = readFileSync(file);
    await mustSayCorrupt(again);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test("whose pages are overwritten is CORRUPT, and nothing in it is not found", async () => {
    const { file, again } = await filled();
    const handle = openSync(file, "r+");
    const { length } = readFileSync(file);
    // All but the first, which holds the schema.
    writeSync(handle, Buffer.alloc(length - 4096, 0xab), 0, length - 4096, 4096);
    closeSync(handle);
    await mustSayCorrupt(again);
  });

  test("that is cut off is CORRUPT", async () => {
    const { file, again } = await filled();
    truncateSync(file, 3 * 4096);
    await mustSayCorrupt(again);
  });

  test("whose log is gone holds what was written into it, and no half of a command", async () => {
    const file = temporaryFile();
    const env = new ManualEnvironment();
    const { store, blobs } = await openWithMemory(file, env);
    await push(store, "first");
    connection(file).pragma("wal_checkpoint(TRUNCATE)");
    await push(store, "second");
    // As it would be if somebody copied the one file.
    const copied = join(temporary(), "catalog.db");
    copyFileSync(file, copied);
    const other = await openStore({ blobs, catalog: await open(copied, { env }), env });
    expect(await tagsOf(other)).toEqual(["first"]);
    expect(await tagsOf(store)).toEqual(["first", "second"]);
  });
});

describe.runIf(CAN_MOUNT)("Q5: a database on a file system that is mounted read-only", () => {
  test("opens for nobody who wants to write, and says why", async () => {
    const directory = temporary();
    const file = join(directory, "catalog.db");
    await (await open(file)).close();
    const unmount = mountReadOnly(directory);
    expect(["READ_ONLY", "UNAVAILABLE"]).toContain(await codeOf(() => open(file)));
    unmount();
    await open(file);
  });
});

test("Q5: a connection that may only read refuses every command, and answers every question", async () => {
  const file = temporaryFile();
  const env = new ManualEnvironment();
  const { store } = await openWithMemory(file, env);
  await push(store, "first");
  const connect = () => {
    const db = connection(file);
    db.pragma("query_only = ON");
    return db;
  };
  const reading = await open(file, { env, connect });
  expect(await codeOf(() => reading.setPolicy({ grace: 1, window: 0, wait: 0 }))).toBe("READ_ONLY");
  expect(await codeOf(() => reading.change("r", [{ do: "untag", name: "first" }]))).toBe("READ_ONLY");
  expect(await reading.resolve("r", "first")).toMatch(/^sha256:/);
});

test('Q5: a directory that does not exist is an error that is not "not found"', async () => {
  const code = await codeOf(() => open(join(temporary(), "nowhere", "catalog.db")));
  expect(code).not.toBe("NOT_FOUND");
  expect(code).not.toBe("none");
});

test("Q6: a listing that nobody goes on with keeps no reader open, so that the log is written into the database", async () => {
  const file = temporaryFile();
  const env = new ManualEnvironment();
  const { store } = await openWithMemory(file, env);
  for (let n = 0; n < 5; n++) await push(store, `t${n}`);
  const tags = store.repository("r").tags()[Symbol.asyncIterator]();
  await tags.next();
  await push(store, "later");
  const [checkpoint] = connection(file).pragma("wal_checkpoint(TRUNCATE)") as { busy: number; log: number }[];
  expect(checkpoint).toMatchObject({ busy: 0, log: 0 });
  await tags.return?.();
});

test("Q8: a row without its file is damage that check finds, and a file without a row is garbage after its grace", async () => {
  const directory = temporary();
  const env = new ManualEnvironment();
  const { blobs } = (await openLayout(join(directory, "layout"), { create: true, env })).parts;
  const store = await openStore({ blobs, catalog: await open(join(directory, "catalog.db"), { env }), env });
  await push(store, "first");
  const { digest } = await store.repository("r").resolve("first");
  const path = join(directory, "layout", "blobs", digest.replace(":", "/"));
  const bytes = readFileSync(path);
  rmSync(path);
  const codes: string[] = [];
  for await (const { level, code } of store.check()) if (level === "error") codes.push(code);
  expect(codes).not.toEqual([]);
  const code = await codeOf(() => store.repository("r").bytes(digest));
  expect(code).not.toBe("none");
  writeFileSync(path, bytes);
  await mustBeSound(store);

  const orphan = await openStore({ blobs, catalog: await open(join(directory, "other.db"), { env }), env });
  const before = await orphan.planCollect({ grace: 60 * 60_000, full: true });
  expect(before.items).toEqual([]);
  env.advance(2 * 60 * 60_000);
  const { items } = await orphan.planCollect({ grace: 60 * 60_000, full: true });
  expect(items.map((item) => item.digest)).toContain(digest);
});
