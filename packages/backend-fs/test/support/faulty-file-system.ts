import { constants } from "node:os";
import type { FileHandle, FileSystem, OpenFlags } from "../../src/files/file-system.ts";

/** The calls of the port, those on a handle included. */
export type CallName = Exclude<keyof FileSystem, "scope"> | Exclude<keyof FileHandle, "fd" | "open">;

export interface Call {
  /** The first call is number 1, counted since the last `arm`. */
  readonly number: number;
  readonly name: CallName;
  readonly path: string;
  /** Of an `open`. */
  readonly flags?: OpenFlags;
}

export interface Fault {
  /** Which calls: the one of this number, or those for which this is true. */
  readonly at: number | ((call: Call) => boolean);
  /** `ENOSPC`, `EIO` and so on; `SHORT` for a read or a write that does half of what it was asked, and does not fail. */
  readonly code: string;
  /** Every such call from then on, instead of only the first. */
  readonly always?: boolean;
  /** The call is made, and fails all the same, as when an answer gets lost. */
  readonly after?: boolean;
}

export interface FaultyFileSystem extends FileSystem {
  readonly calls: readonly Call[];
  /** Handles that were opened and not closed. */
  readonly openHandles: number;
  /** How often it has failed as told, since the last `arm`. */
  readonly hits: number;
  /** Forgets the calls so far, and fails from now on as told; not at all if told nothing. */
  arm(fault?: Fault): void;
}

export interface FaultyOptions {
  /** The most bytes that a read gives, and that a write takes, at a time. */
  readonly shortReads?: number;
  readonly shortWrites?: number;
}

/** `inner`, with every call counted and some of them failing. */
export function faultyFileSystem(inner: FileSystem, o: FaultyOptions = {}): FaultyFileSystem {
  let calls: Call[] = [];
  let fault: Fault | undefined;
  let openHandles = 0;
  let hits = 0;

  async function call<T>(name: CallName, path: string, run: () => Promise<T>, flags?: OpenFlags): Promise<T> {
    const failure = strike(name, path, flags);
    if (failure === undefined) return run();
    if (failure.after) await run();
    throw systemError(failure.code, name, path);
  }

  /** A read or a write, which may do less than it was asked. */
  async function part(
    name: "read" | "write",
    path: string,
    length: number,
    run: (length: number) => Promise<number>,
  ): Promise<number> {
    const failure = strike(name, path);
    const most = Math.min(length, (name === "read" ? o.shortReads : o.shortWrites) ?? length);
    if (failure?.code === "SHORT") return run(Math.ceil(most / 2));
    if (failure === undefined) return run(most);
    if (failure.after) await run(most);
    throw systemError(failure.code, name, path);
  }

  function strike(name: CallName, path: string, flags?: OpenFlags): Fault | undefined {
    const made: Call = { number: calls.length + 1, name, path, ...(flags !== undefined && { flags }) };
    calls.push(made);
    if (fault === undefined) return undefined;
    const { at } = fault;
    if (!(typeof at === "number" ? made.number === at || (fault.always && made.number > at) : at(made)))
      return undefined;
    const hit = fault;
    hits += 1;
    if (!hit.always) fault = undefined;
    return hit;
  }

  function handleOf(path: string, handle: FileHandle): FileHandle {
    openHandles++;
    return {
      ...(handle.fd === undefined ? {} : { fd: handle.fd }),
      read: (buffer, offset, length, position) =>
        part("read", path, length, (most) => handle.read(buffer, offset, most, position)),
      write: (buffer, offset, length, position) =>
        part("write", path, length, (most) => handle.write(buffer, offset, most, position)),
      sync: () => call("sync", path, () => handle.sync()),
      stat: () => call("stat", path, () => handle.stat()),
      truncate: (size) => call("truncate", path, () => handle.truncate(size)),
      close: async () => {
        // A close that fails has closed nevertheless.
        openHandles--;
        await handle.close();
        await call("close", path, async () => undefined);
      },
    };
  }

  return {
    scope: inner.scope,
    get calls() {
      return calls;
    },
    get openHandles() {
      return openHandles;
    },
    get hits() {
      return hits;
    },
    arm(next) {
      calls = [];
      hits = 0;
      fault = next;
    },
    async open(path, flags, mode) {
      let handle: FileHandle | undefined;
      try {
        handle = await call("open", path, async () => (handle = await inner.open(path, flags, mode)), flags);
      } catch (error) {
        await handle?.close();
        throw error;
      }
      return handleOf(path, handle);
    },
    lstat: (path) => call("lstat", path, () => inner.lstat(path)),
    async *readdir(path) {
      await call("readdir", path, async () => undefined);
      yield* inner.readdir(path);
    },
    mkdir: (path) => call("mkdir", path, () => inner.mkdir(path)),
    rmdir: (path) => call("rmdir", path, () => inner.rmdir(path)),
    rename: (from, to) => call("rename", from, () => inner.rename(from, to)),
    link: (existing, path) => call("link", existing, () => inner.link(existing, path)),
    unlink: (path) => call("unlink", path, () => inner.unlink(path)),
    touch: (path, ms) => call("touch", path, () => inner.touch(path, ms)),
    chmod: (path, mode) => call("chmod", path, () => inner.chmod(path, mode)),
    syncDirectory: (path) => call("syncDirectory", path, () => inner.syncDirectory(path)),
    realpath: (path) => call("realpath", path, () => inner.realpath(path)),
  };
}

/** An error as the platform makes it. */
export function systemError(code: string, syscall: string, path: string): Error {
  const errno = -(constants.errno[code as keyof typeof constants.errno] ?? 0);
  return Object.assign(new Error(`${code}: injected, ${syscall} '${path}'`), { code, errno, syscall, path });
}
