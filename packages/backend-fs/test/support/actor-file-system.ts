import { dirname } from "node:path";
import type { Environment } from "@ocistore/core";
import type { FileHandle, FileSystem } from "../../src/files/file-system.ts";
import type { CallName } from "./faulty-file-system.ts";

/** A file call that an actor is about to make. */
export interface Step {
  /** The first is number 1, counted since the last {@link Steps.restart}. */
  readonly number: number;
  readonly name: CallName;
  readonly path: string;
  /** Of a rename or a link. */
  readonly to?: string;
  /** Whether it changes what others see. Between two that do, it makes no difference when a process dies. */
  readonly changes: boolean;
}

const CHANGING: ReadonlySet<CallName> = new Set([
  "write",
  "truncate",
  "rename",
  "link",
  "unlink",
  "mkdir",
  "rmdir",
  "touch",
  "chmod",
]);

export interface Gate {
  /** Resolves when the actor stands before the call; rejects if `work` ends without having come there. */
  reached(work: Promise<unknown>): Promise<void>;
  open(): void;
}

/** The file calls of one actor: what it has done so far, where it is to wait, and when it is to do nothing more. */
export class Steps {
  done: Step[] = [];
  /** From the call of this number on, nothing happens: the process was killed. */
  diesAt = Number.POSITIVE_INFINITY;
  readonly died: Promise<void>;
  #noteDeath!: () => void;
  #gates: { readonly which: (step: Step) => boolean; readonly arrive: () => void; readonly opened: Promise<void> }[] =
    [];

  constructor() {
    this.died = new Promise((resolve) => {
      this.#noteDeath = resolve;
    });
  }

  restart(): void {
    this.done = [];
  }

  kill(): void {
    this.diesAt = 0;
  }

  /** The actor waits before the first call from now on for which this is true. */
  pauseBefore(which: (step: Step) => boolean): Gate {
    let arrive!: () => void;
    let open!: () => void;
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.#gates.push({ which, arrive, opened });
    const missed = () => Promise.reject(new Error("the work ended, or failed, before the gate"));
    return { reached: (work) => Promise.race([arrived, work.then(missed, missed)]), open };
  }

  async before(
    name: CallName,
    path: string,
    o: { readonly to?: string; readonly changes?: boolean } = {},
  ): Promise<void> {
    const step: Step = { number: this.done.length + 1, name, path, changes: CHANGING.has(name), ...o };
    if (step.number >= this.diesAt) {
      this.#noteDeath();
      return new Promise(() => {});
    }
    const at = this.#gates.findIndex(({ which }) => which(step));
    if (at >= 0) {
      const [gate] = this.#gates.splice(at, 1);
      gate!.arrive();
      await gate!.opened;
      return this.before(name, path, o);
    }
    this.done.push(step);
  }
}

/** `inner` as one process of several sees it; each has a scope of its own, as processes share no memory. */
export function actorFileSystem(inner: FileSystem, steps: Steps, scope: string): FileSystem {
  return {
    scope,
    async open(path, flags, mode) {
      await steps.before("open", path, { changes: flags === "wx" });
      return handleOf(await inner.open(path, flags, mode), path, steps);
    },
    lstat: (path) => steps.before("lstat", path).then(() => inner.lstat(path)),
    async *readdir(path) {
      await steps.before("readdir", path);
      yield* inner.readdir(path);
    },
    mkdir: (path) => steps.before("mkdir", path).then(() => inner.mkdir(path)),
    rmdir: (path) => steps.before("rmdir", path).then(() => inner.rmdir(path)),
    rename: (from, to) => steps.before("rename", from, { to }).then(() => inner.rename(from, to)),
    link: (existing, path) => steps.before("link", existing, { to: path }).then(() => inner.link(existing, path)),
    unlink: (path) => steps.before("unlink", path).then(() => inner.unlink(path)),
    touch: (path, ms) => steps.before("touch", path).then(() => inner.touch(path, ms)),
    chmod: (path, mode) => steps.before("chmod", path).then(() => inner.chmod(path, mode)),
    syncDirectory: (path) => steps.before("syncDirectory", path).then(() => inner.syncDirectory(path)),
    realpath: (path) => steps.before("realpath", path).then(() => inner.realpath(path)),
  };
}

function handleOf(handle: FileHandle, path: string, steps: Steps): FileHandle {
  return {
    read: (...args) => steps.before("read", path).then(() => handle.read(...args)),
    write: (...args) => steps.before("write", path).then(() => handle.write(...args)),
    sync: () => steps.before("sync", path).then(() => handle.sync()),
    stat: () => steps.before("stat", path).then(() => handle.stat()),
    truncate: (size) => steps.before("truncate", path).then(() => handle.truncate(size)),
    // What a killed process has open is closed by the kernel, and so must not be left to our garbage collector.
    close: () => steps.before("close", path).then(() => handle.close()),
  };
}

/** `inner`, whose times of files follow a clock that a test moves by hand. */
export function clockedFileSystem(inner: FileSystem, clock: Pick<Environment, "now">): FileSystem {
  const stamp = async (path: string, identity: string) => {
    // By now another file may have the name, or none.
    if ((await inner.lstat(path))?.identity === identity) await inner.touch(path, clock.now());
  };
  return {
    ...inner,
    // Spreading loses what a method finds by `this`.
    readdir: (path) => inner.readdir(path),
    rename: async (from, to) => {
      await inner.rename(from, to);
      for (const directory of [dirname(from), dirname(to)]) await inner.touch(directory, clock.now());
    },
    unlink: async (path) => {
      await inner.unlink(path);
      await inner.touch(dirname(path), clock.now());
    },
    mkdir: async (path) => {
      const made = await inner.mkdir(path);
      if (made) await inner.touch(path, clock.now());
      return made;
    },
    open: async (path, flags, mode) => {
      const handle = await inner.open(path, flags, mode);
      const { identity } = await handle.stat();
      if (flags === "wx") await stamp(path, identity);
      return {
        ...handle,
        write: async (...args) => {
          const written = await handle.write(...args);
          await stamp(path, identity);
          return written;
        },
        truncate: async (size) => {
          await handle.truncate(size);
          await stamp(path, identity);
        },
      };
    },
  };
}
