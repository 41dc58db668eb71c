import { type FileHandle, type FileSystem, initLayout, type Lock, openLayout, openLock } from "@ocistore/backend-fs";
import type { Store } from "@ocistore/core";
import { Disk } from "../../../../packages/backend-fs/test/support/disk.ts";
import { systemError } from "../../../../packages/backend-fs/test/support/faulty-file-system.ts";
import type { Failure, Process } from "../process.ts";
import type { Simulation } from "../simulation.ts";
import { Furnishing } from "./furnishing.ts";
import type { Ground, Prepared, Variant } from "./variant.ts";

const ROOT = "/layout";
const LOCK = `${ROOT}/.ocistore/lock`;

export interface LayoutOptions {
  /**
   * `files`: the store's own lock, a dozen calls each time. `step`: taking it is one call, which can complete as soon as nobody
   * who is alive holds it.
   */
  readonly lock: "files" | "step";
  /** Of what is only looked at, just index.json, listings and blobs are worth an order of their own. */
  readonly coarse?: boolean;
}

/** A layout on a disk in memory, one call of the file system at a time. */
export function layouts(o: LayoutOptions): Variant {
  return {
    name:
      o.lock === "files" ? "a layout" : `a layout, its lock taken in one step${o.coarse ? ", few looks apart" : ""}`,
    async prepare(startsAt, furnish): Promise<Prepared> {
      const env = new Furnishing(startsAt);
      const disk = new Disk(() => env.now());
      const fs = disk.fileSystem("furnish");
      await initLayout(ROOT, { fs, env });
      const store = await openLayout(ROOT, { fs, env, lock: { acquire: async () => async () => {} } });
      await furnish(store, env.advance);
      await store.close();
      return { now: env.now(), begin: (simulation) => new LayoutGround(simulation, disk, o) };
    },
  };
}

const LOOKS = /index\.json$|\/blobs\//;

let grounds = 0;

class LayoutGround implements Ground {
  readonly #disk: Disk;
  readonly #o: LayoutOptions;
  readonly #number = ++grounds;
  readonly #dead = new Set<number>();
  #holder: Process | undefined;

  constructor(simulation: Simulation, template: Disk, o: LayoutOptions) {
    this.#disk = new Disk(() => simulation.now, template);
    this.#o = o;
    simulation.onDeath(({ number }) => this.#dead.add(number));
  }

  async open(process: Process): Promise<Store> {
    // Under the lock nobody else changes what is read; so it makes no difference when that happens.
    const isLooked = (name: string, path: string) =>
      this.#holder !== process && (!this.#o.coarse || name === "readdir" || (name === "open" && LOOKS.test(path)));
    const fs = scheduled(this.#disk, process, { scope: `process ${process.number} of ${this.#number}`, isLooked });
    const { env, number } = process;
    const probe = {
      self: async () => ({ pid: number, host: "host" }),
      liveness: async ({ pid }: { readonly pid: number }) =>
        this.#dead.has(pid) ? ("dead" as const) : ("alive" as const),
    };
    const lock =
      this.#o.lock === "step" ? this.#oneStep(process) : await openLock(fs, LOCK, env, { kind: "link", probe });
    return openLayout(ROOT, { fs, env, lock, probe });
  }

  leftOver(): string[] {
    const left: string[] = [];
    const visit = (path: string) => {
      if (path === LOCK) return;
      for (const { name, kind } of this.#disk.readdir(path)) {
        const each = `${path}/${name}`;
        if (kind === "directory") visit(each);
        else if (/\/(uploads|sessions|trash|damaged)\/|\.new$/.test(each)) left.push(each);
      }
    };
    visit(ROOT);
    return left;
  }

  state(): string {
    const all = [...this.#disk.entries()].map((each) => each.join(" "));
    return all.sort().join("\n");
  }

  #oneStep(process: Process): Lock {
    const possible = () => this.#holder === undefined || !this.#holder.isAlive;
    return {
      acquire: async () => {
        await process.call({ name: "lock", possible }, () => {
          this.#holder = process;
        });
        return async () => {
          if (this.#holder === process) this.#holder = undefined;
        };
      },
    };
  }
}

const failures = (name: string, path: string, ...codes: string[]): Failure[] =>
  codes.map((code) => ({ code, error: () => systemError(code, name, path) }));

/** The disk as one process uses it. What only that process can notice is done at once. */
function scheduled(
  disk: Disk,
  process: Process,
  { scope, isLooked }: { readonly scope: string; readonly isLooked: (name: string, path: string) => boolean },
): FileSystem {
  const call = <T>(
    name: string,
    path: string,
    perform: () => T | Promise<T>,
    o: { readonly to?: string; readonly matters?: boolean; readonly changes?: boolean; readonly writes?: boolean } = {},
  ): Promise<T> => {
    const on = o.to === undefined ? short(path) : `${short(path)} → ${short(o.to)}`;
    const fails = o.writes ? failures(name, path, "ENOSPC", "EIO") : failures(name, path, "EIO");
    const matters = o.matters ?? (o.writes || o.changes || isLooked(name, path));
    return process.call({ name, on, matters, fails }, perform);
  };
  const handleOf = (handle: FileHandle, path: string): FileHandle => {
    // A record of the lock and an upload are written in place; all else is complete before it has a name that others know.
    const isShared = path.startsWith(LOCK) || path.includes("/uploads/");
    return {
      read: (...args) => call("read", path, () => handle.read(...args), { matters: isShared }),
      write: (...args) => call("write", path, () => handle.write(...args), { writes: true, matters: isShared }),
      sync: () => call("sync", path, () => handle.sync(), { matters: false }),
      stat: () => call("stat", path, () => handle.stat(), { matters: isShared }),
      truncate: (size) => call("truncate", path, () => handle.truncate(size), { matters: isShared }),
      close: () => call("close", path, () => handle.close(), { matters: false }),
    };
  };
  return {
    scope,
    open: async (path, flags, mode) =>
      handleOf(await call("open", path, () => disk.open(path, flags, mode), { writes: flags === "wx" }), path),
    lstat: (path) => call("lstat", path, () => disk.lstat(path)),
    async *readdir(path) {
      // A listing takes time, and of what comes or goes meanwhile it shows this and not that, which is all POSIX promises.
      const before = await call("readdir", path, () => disk.readdir(path));
      const after = await call("readdir on", path, () => disk.readdir(path));
      for (const entry of new Map([...before, ...after].map((each) => [each.name, each])).values()) {
        const isIn = (list: typeof before) => list.some(({ name }) => name === entry.name);
        if ((isIn(before) && isIn(after)) || process.glimpse()) yield entry;
      }
    },
    mkdir: (path) => call("mkdir", path, () => disk.mkdir(path), { writes: true }),
    rmdir: (path) => call("rmdir", path, () => disk.rmdir(path), { changes: true }),
    rename: (from, to) => call("rename", from, () => disk.rename(from, to), { to, writes: true }),
    link: (existing, path) => call("link", existing, () => disk.link(existing, path), { to: path, writes: true }),
    unlink: (path) => call("unlink", path, () => disk.unlink(path), { changes: true }),
    touch: (path, ms) => call("touch", path, () => disk.touch(path, ms), { changes: true }),
    chmod: (path, mode) => call("chmod", path, () => disk.chmod(path, mode), { changes: true }),
    syncDirectory: (path) => call("sync", path, () => {}, { matters: false }),
    realpath: async (path) => path,
  };
}

function short(path: string): string {
  return path.startsWith(`${ROOT}/`) ? path.slice(ROOT.length + 1) : path;
}
