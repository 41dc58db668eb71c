import { basename, dirname } from "node:path/posix";
import type { DirectoryEntry, FileHandle, FileStat, FileSystem } from "../../src/files/file-system.ts";
import { systemError } from "./faulty-file-system.ts";

interface Node {
  readonly number: number;
  /** Of a directory: what is in it. */
  readonly names?: Map<string, Node>;
  bytes: Uint8Array;
  modified: number;
  mode: number;
}

/**
 * A disk in memory: every call is done at once, its times are those of a given clock, and a copy costs next to nothing. No
 * links but hard ones, and no rights.
 */
export class Disk {
  readonly #now: () => number;
  readonly #root: Node;
  #made = 0;

  constructor(now: () => number, from?: Disk) {
    this.#now = now;
    this.#root = from ? copied(from.#root, new Map()) : this.#node(0o755, new Map());
    if (from) this.#made = from.#made;
  }

  #node(mode: number, names?: Map<string, Node>): Node {
    return { number: ++this.#made, bytes: new Uint8Array(), modified: this.#now(), mode, ...(names && { names }) };
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of partsOf(path)) node = node?.names?.get(name);
    return node;
  }

  #must(path: string, syscall: string): Node {
    const node = this.#find(path);
    if (!node) throw systemError("ENOENT", syscall, path);
    return node;
  }

  #directory(path: string, syscall: string): Map<string, Node> {
    const { names } = this.#must(path, syscall);
    if (!names) throw systemError("ENOTDIR", syscall, path);
    return names;
  }

  /** The directory that a name is in, which is about to change. */
  #parent(path: string, syscall: string): Map<string, Node> {
    const names = this.#directory(dirname(path), syscall);
    this.#must(dirname(path), syscall).modified = this.#now();
    return names;
  }

  open(path: string, flags: string, mode = 0o644): FileHandle {
    let node = this.#find(path);
    if (flags === "wx") {
      if (node) throw systemError("EEXIST", "open", path);
      node = this.#node(mode);
      this.#parent(path, "open").set(basename(path), node);
    }
    if (!node) throw systemError("ENOENT", "open", path);
    if (node.names && flags !== "r") throw systemError("EISDIR", "open", path);
    return this.#handle(node);
  }

  #handle(node: Node): FileHandle {
    return {
      read: async (buffer, offset, length, position) => {
        const piece = node.bytes.subarray(position, position + length);
        buffer.set(piece, offset);
        return piece.length;
      },
      write: async (buffer, offset, length, position) => {
        const next = new Uint8Array(Math.max(node.bytes.length, position + length));
        next.set(node.bytes);
        next.set(buffer.subarray(offset, offset + length), position);
        node.bytes = next;
        node.modified = this.#now();
        return length;
      },
      truncate: async (size) => {
        const next = new Uint8Array(size);
        next.set(node.bytes.subarray(0, size));
        node.bytes = next;
        node.modified = this.#now();
      },
      stat: async () => statOf(node),
      sync: async () => {},
      close: async () => {},
    };
  }

  lstat(path: string): FileStat | undefined {
    const node = this.#find(path);
    return node && statOf(node);
  }

  readdir(path: string): DirectoryEntry[] {
    return [...this.#directory(path, "readdir")].map(([name, { names }]) => ({
      name,
      kind: names ? "directory" : "file",
    }));
  }

  mkdir(path: string): boolean {
    if (this.#find(path)) return false;
    this.#parent(path, "mkdir").set(basename(path), this.#node(0o755, new Map()));
    return true;
  }

  rmdir(path: string): void {
    if (this.#directory(path, "rmdir").size > 0) throw systemError("ENOTEMPTY", "rmdir", path);
    this.#parent(path, "rmdir").delete(basename(path));
  }

  rename(from: string, to: string): void {
    const node = this.#must(from, "rename");
    const target = this.#parent(to, "rename");
    const source = this.#parent(from, "rename");
    const present = target.get(basename(to));
    // Two names of one file stay two.
    if (present === node) return;
    if (present?.names && present.names.size > 0) throw systemError("ENOTEMPTY", "rename", to);
    source.delete(basename(from));
    target.set(basename(to), node);
  }

  link(existing: string, path: string): void {
    const node = this.#must(existing, "link");
    const names = this.#parent(path, "link");
    if (names.has(basename(path))) throw systemError("EEXIST", "link", path);
    names.set(basename(path), node);
  }

  unlink(path: string): void {
    const { names } = this.#must(path, "unlink");
    if (names) throw systemError("EISDIR", "unlink", path);
    this.#parent(path, "unlink").delete(basename(path));
  }

  touch(path: string, ms: number): void {
    this.#must(path, "utimes").modified = ms;
  }

  chmod(path: string, mode: number): void {
    this.#must(path, "chmod").mode = mode;
  }

  /** All files with what they hold, by path. */
  *files(below = "", names = this.#root.names!): Generator<[string, Uint8Array]> {
    for (const [name, node] of names) {
      if (node.names) yield* this.files(`${below}/${name}`, node.names);
      else yield [`${below}/${name}`, node.bytes];
    }
  }

  /** All there is, with its time, and what it holds as base64. The same for two disks on which nobody sees a difference. */
  *entries(below = "", names = this.#root.names!): Generator<readonly [string, number, number, string]> {
    for (const [name, node] of names) {
      const path = `${below}/${name}`;
      if (node.names) yield* this.entries(path, node.names);
      yield [path, node.modified, node.mode, node.names ? "/" : Buffer.from(node.bytes).toString("base64")];
    }
  }

  /** What a file holds; `undefined` if there is none. */
  content(path: string): Uint8Array | undefined {
    const node = this.#find(path);
    return node?.names ? undefined : node?.bytes;
  }

  /** Puts a file in place, or changes what it holds, as somebody else would. */
  put(path: string, bytes: Uint8Array): void {
    const node = this.#find(path) ?? this.#node(0o644);
    node.bytes = bytes;
    this.#parent(path, "open").set(basename(path), node);
  }

  /** The port, every call done at once. */
  fileSystem(scope: string): FileSystem {
    const disk = this;
    return {
      scope,
      open: async (path, flags, mode) => disk.open(path, flags, mode),
      lstat: async (path) => disk.lstat(path),
      async *readdir(path) {
        yield* disk.readdir(path);
      },
      mkdir: async (path) => disk.mkdir(path),
      rmdir: async (path) => disk.rmdir(path),
      rename: async (from, to) => disk.rename(from, to),
      link: async (existing, path) => disk.link(existing, path),
      unlink: async (path) => disk.unlink(path),
      touch: async (path, ms) => disk.touch(path, ms),
      chmod: async (path, mode) => disk.chmod(path, mode),
      syncDirectory: async () => {},
      realpath: async (path) => path,
    };
  }
}

const parts = new Map<string, readonly string[]>();

/** The names in a path, worked out once: a disk is asked for the same few paths again and again. */
function partsOf(path: string): readonly string[] {
  const known = parts.get(path);
  if (known) return known;
  const names = path.split("/").filter((name) => name !== "");
  if (parts.size > 10_000) parts.clear();
  parts.set(path, names);
  return names;
}

function statOf({ names, bytes, modified, number, mode }: Node): FileStat {
  return { kind: names ? "directory" : "file", size: bytes.length, modified, identity: `1:${number}`, mode };
}

/** Names of one file stay names of one file. Bytes are never changed in place. */
function copied(node: Node, seen: Map<Node, Node>): Node {
  const known = seen.get(node);
  if (known) return known;
  const names = node.names && new Map([...node.names].map(([name, each]) => [name, copied(each, seen)]));
  const copy: Node = { ...node, ...(names && { names }) };
  seen.set(node, copy);
  return copy;
}
