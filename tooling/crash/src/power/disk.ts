import { basename, dirname } from "node:path";
import type { DirectoryEntry, FileHandle, FileStat, FileSystem } from "@ocistore/backend-fs";
import {
  changed,
  type DataChange,
  type DirectoryNode,
  type EntryChange,
  type FileNode,
  type Node,
  setEntry,
} from "./nodes.ts";

/** A call that changes something, or makes a change durable. */
export interface Call {
  readonly name: string;
  readonly path: string;
}

/**
 * A disk in memory on which nothing is durable before it is synced: the bytes of a file by its own fsync, each entry of a
 * directory by that of the directory. README.md says what a power failure may leave; `losses.ts` makes it so.
 */
export class NonDurableDisk {
  readonly root: DirectoryNode;
  readonly #now: () => number;
  #made = 0;
  /** In the order in which they were made. */
  pending: EntryChange[] = [];
  /** Told of each call before it is made, which may never be. */
  onCall: (call: Call) => unknown = () => {};

  constructor(now: () => number, root?: DirectoryNode, made = 0) {
    this.#now = now;
    this.#made = made;
    this.root = root ?? this.directory();
  }

  get made(): number {
    return this.#made;
  }

  directory(): DirectoryNode {
    const nothing = { entries: new Map(), durable: new Map() };
    return { kind: "directory", id: ++this.#made, mode: 0o755, modified: this.#now(), ...nothing };
  }

  /** @param scope Of one process: what it knows in memory is not shared with others. */
  fileSystem(scope: string): FileSystem {
    const told = <A extends readonly unknown[], R>(name: string, run: (path: string, ...rest: A) => R) => {
      return async (path: string, ...rest: A): Promise<R> => {
        await this.onCall({ name, path });
        return run(path, ...rest);
      };
    };
    return {
      scope,
      open: async (path, flags, mode = 0o644) => {
        if (flags === "wx") await this.onCall({ name: "create", path });
        return this.#handle(path, flags === "wx" ? this.#create(path, mode) : this.#file(path));
      },
      lstat: async (path) => {
        const node = this.#find(path);
        return node && statOf(node);
      },
      readdir: (path) => this.#list(path),
      mkdir: told("mkdir", (path) => {
        if (this.#find(path)) return false;
        this.#change(path, this.directory());
        return true;
      }),
      rmdir: told("rmdir", (path) => {
        const node = this.#directory(path);
        if (node.entries.size > 0) throw failure("ENOTEMPTY", path);
        // Whatever has left it is somewhere else before it goes.
        this.#change(
          path,
          undefined,
          this.#of(node).flatMap((each) => each.needs),
        );
      }),
      rename: told("rename", (from, to: string) => this.#rename(from, to)),
      link: told("link", (existing, path: string) => {
        if (this.#find(path)) throw failure("EEXIST", path);
        this.#change(path, this.#file(existing));
      }),
      unlink: told("unlink", (path) => {
        this.#file(path);
        this.#change(path, undefined);
      }),
      touch: told("touch", (path, modified: number) => {
        const node = this.#must(path);
        if (node.kind === "directory") node.modified = modified;
        else this.#write(node, { do: "touch", modified });
      }),
      chmod: told("chmod", (path, mode: number) => {
        this.#must(path).mode = mode;
      }),
      syncDirectory: told("syncDirectory", (path) => this.#syncDirectory(this.#directory(path))),
      realpath: async (path) => path,
    };
  }

  #handle(path: string, node: FileNode): FileHandle {
    return {
      read: async (buffer, offset, length, position) => {
        const part = node.now.bytes.subarray(position, position + length);
        buffer.set(part, offset);
        return part.length;
      },
      write: async (buffer, offset, length, at) => {
        await this.onCall({ name: "write", path });
        this.#write(node, { do: "write", at, bytes: buffer.slice(offset, offset + length), modified: this.#now() });
        return length;
      },
      sync: async () => {
        await this.onCall({ name: "sync", path });
        node.durable = node.now;
        node.pending = [];
      },
      stat: async () => statOf(node),
      truncate: async (size) => {
        await this.onCall({ name: "truncate", path });
        this.#write(node, { do: "truncate", size, modified: this.#now() });
      },
      close: async () => {},
    };
  }

  #create(path: string, mode: number): FileNode {
    if (this.#find(path)) throw failure("EEXIST", path);
    const empty = { bytes: new Uint8Array(), modified: this.#now() };
    const node: FileNode = { kind: "file", id: ++this.#made, mode, now: empty, durable: empty, pending: [] };
    this.#change(path, node);
    return node;
  }

  #write(node: FileNode, change: DataChange): void {
    node.now = changed(node.now, change);
    node.pending.push(change);
  }

  #rename(from: string, to: string): void {
    const node = this.#must(from);
    const there = this.#find(to);
    if (there?.kind === "directory") throw failure("EISDIR", to);
    // Two names of one file: POSIX says that nothing happens.
    if (there === node) return;
    const [source, target] = [this.#directory(dirname(from)), this.#directory(dirname(to))];
    if (source === target) {
      this.#apply({
        directory: source,
        sets: [
          [basename(from), undefined],
          [basename(to), node],
        ],
        needs: [],
      });
    } else {
      const arrival = this.#apply({ directory: target, sets: [[basename(to), node]], needs: [] });
      this.#apply({ directory: source, sets: [[basename(from), undefined]], needs: [arrival] });
    }
  }

  #change(path: string, to: Node | undefined, needs: readonly EntryChange[] = []): void {
    this.#apply({ directory: this.#directory(dirname(path)), sets: [[basename(path), to]], needs });
  }

  #apply(change: EntryChange): EntryChange {
    for (const [name, to] of change.sets) setEntry(change.directory.entries, name, to);
    change.directory.modified = this.#now();
    this.pending.push(change);
    return change;
  }

  #of(directory: DirectoryNode): EntryChange[] {
    return this.pending.filter((each) => each.directory === directory);
  }

  #syncDirectory(directory: DirectoryNode): void {
    const durable = new Set<EntryChange>();
    const add = (change: EntryChange) => {
      if (durable.has(change)) return;
      durable.add(change);
      for (const other of change.needs) add(other);
    };
    for (const change of this.#of(directory)) add(change);
    for (const change of this.pending) {
      if (durable.has(change)) for (const [name, to] of change.sets) setEntry(change.directory.durable, name, to);
    }
    this.pending = this.pending.filter((change) => !durable.has(change));
  }

  async *#list(path: string): AsyncGenerator<DirectoryEntry> {
    for (const [name, { kind }] of [...this.#directory(path).entries]) yield { name, kind };
  }

  #find(path: string): Node | undefined {
    let node: Node = this.root;
    for (const name of namesIn(path)) {
      if (node.kind !== "directory") throw failure("ENOTDIR", path);
      const next = node.entries.get(name);
      if (!next) return undefined;
      node = next;
    }
    return node;
  }

  #must(path: string): Node {
    const node = this.#find(path);
    if (!node) throw failure("ENOENT", path);
    return node;
  }

  #file(path: string): FileNode {
    const node = this.#must(path);
    if (node.kind !== "file") throw failure("EISDIR", path);
    return node;
  }

  #directory(path: string): DirectoryNode {
    const node = this.#must(path);
    if (node.kind !== "directory") throw failure("ENOTDIR", path);
    return node;
  }
}

function statOf(node: Node): FileStat {
  const { kind, mode, id } = node;
  const { size, modified } =
    node.kind === "file"
      ? { size: node.now.bytes.length, modified: node.now.modified }
      : { size: 0, modified: node.modified };
  return { kind, mode, size, modified, identity: `disk:${id}` };
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

const split = new Map<string, readonly string[]>();

function namesIn(path: string): readonly string[] {
  let names = split.get(path);
  if (!names) {
    names = path.split("/").filter((each) => each !== "");
    split.set(path, names);
  }
  return names;
}
