import { expect, test } from "vitest";
import { type FileSystem, openLayoutParts } from "../../src/index.ts";
import { memoryPlace } from "../support/file-systems.ts";

/** Writes down what is synced and renamed, in its order. */
function logged(fs: FileSystem, log: string[]): FileSystem {
  const last = (path: string) =>
    path
      .split("/")
      .at(-1)!
      .replace(/^.*catalog\.db\b.*(?<!catalog\.db)$/, "unfinished");
  return {
    ...bound(fs),
    open: async (path, ...rest) => {
      const handle = await fs.open(path, ...rest);
      return {
        ...bound(handle),
        sync: async () => {
          log.push(`sync ${last(path)}`);
          await handle.sync();
        },
      };
    },
    unlink: async (path) => {
      log.push(`unlink ${path.split("/").at(-1)}`);
      await fs.unlink(path);
    },
    rename: async (from, to) => {
      log.push(`rename to ${last(to)}`);
      await fs.rename(from, to);
    },
    syncDirectory: async (path) => {
      log.push(`sync directory ${last(path)}`);
      await fs.syncDirectory(path);
    },
  };
}

/** Its methods, which may be those of its class. */
function bound<T extends object>(target: T): T {
  return new Proxy({} as T, {
    ownKeys: () => methodsOf(target),
    getOwnPropertyDescriptor: (_, key) => ({
      configurable: true,
      enumerable: true,
      value: (Reflect.get(target, key) as (...args: unknown[]) => unknown).bind(target),
    }),
    get: (_, key) => (Reflect.get(target, key) as (...args: unknown[]) => unknown).bind(target),
  });
}

function methodsOf(target: object): string[] {
  const names = new Set<string>();
  for (let at: object | null = target; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) {
      if (name !== "constructor" && typeof Reflect.get(target, name) === "function") names.add(name);
    }
  }
  return [...names];
}

test("a catalog gets its name under the lock, its bytes durable before and its name after", async () => {
  const { fs, directory } = await memoryPlace();
  const log: string[] = [];
  const lock = {
    acquire: async () => {
      log.push("lock");
      return async () => void log.push("unlock");
    },
  };
  const parts = await openLayoutParts(directory, { fs: logged(fs, log), create: true, lock });
  log.length = 0;
  await parts.install(async (path) => {
    const handle = await fs.open(path, "wx");
    await handle.close();
    log.push("made");
  });
  const from = log.indexOf("made");
  expect(log.slice(from)).toEqual([
    "made",
    "sync unfinished",
    "rename to catalog.db",
    "sync directory .ocistore",
    "unlock",
  ]);
  expect(log.slice(0, from)).toContain("lock");
});

test("what a catalog had besides its file is gone for good before another takes its place, and with keep all of it is kept", async () => {
  for (const keep of [false, true]) {
    const { fs, directory } = await memoryPlace();
    const log: string[] = [];
    const parts = await openLayoutParts(directory, { fs: logged(fs, log), create: true });
    const write = async (path: string) => (await fs.open(path, "wx")).close();
    for (const suffix of ["", "-wal"]) await write(`${parts.catalogPath}${suffix}`);
    const made = await parts.replace(async (path) => {
      await write(path);
      log.length = 0;
      return { keep };
    });
    expect(made).toEqual({ keep });
    const gone = log.indexOf("unlink catalog.db-wal");
    const named = log.indexOf("rename to catalog.db");
    expect(gone).toBeGreaterThan(0);
    expect(log.slice(gone, named)).toContain("sync directory .ocistore");
    expect(log.slice(named, named + 2)).toEqual(["rename to catalog.db", "sync directory .ocistore"]);
    expect(await fs.lstat(`${parts.catalogPath}-wal`)).toBeUndefined();
    const kept = ["catalog.db.1", "catalog.db-wal.1"].map((name) => `${directory}/.ocistore/damaged/${name}`);
    for (const path of kept) expect((await fs.lstat(path)) !== undefined).toBe(keep);
  }
});
