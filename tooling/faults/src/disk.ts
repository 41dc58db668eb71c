import type { DirectoryEntry, FileHandle, FileStat, FileSystem, OpenFlags } from "@ocistore/backend-fs";
import { systemError } from "../../../packages/backend-fs/test/support/faulty-file-system.ts";

interface File {
  readonly kind: "file";
  readonly inode: number;
  /** Never changed in place, so that copies of a disk share it. */
  data: Uint8Array;
  modified: number;
  mode: number;
}

interface Directory {
  readonly kind: "directory";
  readonly inode: number;
  readonly entries: Map<string, File | Directory>;
  modified: number;
  mode: number;
}

type Node = File | Directory;

let disks = 0;

/**
 * A disk in memory that is copied in no time, which is what a test needs that begins at the same place a thousand times. What
 * it answers is what Linux answers; times are those of the clock that it is given. There are no links but hard ones.
 */
export class Disk implements FileSystem {
  readonly scope = `disk ${++disks}`;
  readonly #now: () => number;
  #root: Directory;
  #inodes = 1;

  constructor(now: () => number) {
    this.#now = now;
    this.#root = { kind: "directory", inode: 1, entries: new Map(), modified: now(), mode: 0o755 };
  }

  /** Another that holds the same, times and hard links included. */
  copy(now: () => number): Disk {
    const made = new Disk(now);
    const files = new Map<File, File>();
    const copyOf = (node: Node): Node => {
      if (node.kind === "directory") {
        return { ...node, entries: new Map([...node.entries].map(([name, each]) => [name, copyOf(each)])) };
      }
      const file = files.get(node) ?? { ...node };
      files.set(node, file);
      return file;
    };
    made.#root = copyOf(this.#root) as Directory;
    made.#inodes = this.#inodes;
    return made;
  }

  /** All files with what they hold, by path. */
  *files(below = "", directory = this.#root): Generator<[string, Uint8Array]> {
    for (const [name, node] of directory.entries) {
      if (node.kind === "file") yield [`${below}/${name}`, node.data];
      else yield* this.files(`${below}/${name}`, node);
    }
  }

  /** What a file holds; `undefined` if there is none. */
  content(path: string): Uint8Array | undefined {
    const node = this.#find(path);
    return node?.kind === "file" ? node.data : undefined;
  }

  /** Puts a file in place, or changes what it holds, as somebody else would. */
  put(path: string, data: Uint8Array): void {
    const { directory, name } = this.#place(path, "open");
    const there = directory.entries.get(name);
    if (there?.kind === "file") there.data = data;
    else directory.entries.set(name, this.#file(data));
  }

  async open(path: string, flags: OpenFlags, mode = 0o644): Promise<FileHandle> {
    const { directory, name } = this.#place(path, "open");
    const there = directory.entries.get(name);
    if (flags === "wx") {
      if (there) throw systemError("EEXIST", "open", path);
      const file = this.#file(new Uint8Array(), mode);
      this.#enter(directory, name, file);
      return this.#handle(file);
    }
    if (!there) throw systemError("ENOENT", "open", path);
    if (there.kind === "directory") throw systemError("EISDIR", "open", path);
    return this.#handle(there);
  }

  async lstat(path: string): Promise<FileStat | undefined> {
    const node = this.#find(path);
    return node && statOf(node);
  }

  async *readdir(path: string): AsyncGenerator<DirectoryEntry> {
    const directory = this.#find(path);
    if (!directory) throw systemError("ENOENT", "opendir", path);
    if (directory.kind === "file") throw systemError("ENOTDIR", "opendir", path);
    for (const [name, { kind }] of [...directory.entries]) yield { name, kind };
  }

  async mkdir(path: string): Promise<boolean> {
    const { directory, name } = this.#place(path, "mkdir");
    if (directory.entries.has(name)) return false;
    const made: Directory = {
      kind: "directory",
      inode: ++this.#inodes,
      entries: new Map(),
      modified: this.#now(),
      mode: 0o755,
    };
    this.#enter(directory, name, made);
    return true;
  }

  async rmdir(path: string): Promise<void> {
    const { directory, name } = this.#place(path, "rmdir");
    const there = directory.entries.get(name);
    if (!there) throw systemError("ENOENT", "rmdir", path);
    if (there.kind === "file") throw systemError("ENOTDIR", "rmdir", path);
    if (there.entries.size > 0) throw systemError("ENOTEMPTY", "rmdir", path);
    this.#leave(directory, name);
  }

  async rename(from: string, to: string): Promise<void> {
    const source = this.#place(from, "rename");
    const target = this.#place(to, "rename");
    const node = source.directory.entries.get(source.name);
    if (!node) throw systemError("ENOENT", "rename", from);
    if (target.directory.entries.get(target.name)?.kind === "directory") throw systemError("EISDIR", "rename", to);
    if (target.directory.entries.get(target.name) === node) return;
    this.#leave(source.directory, source.name);
    this.#enter(target.directory, target.name, node);
  }

  async link(existing: string, path: string): Promise<void> {
    const node = this.#find(existing);
    if (!node) throw systemError("ENOENT", "link", existing);
    const { directory, name } = this.#place(path, "link");
    if (directory.entries.has(name)) throw systemError("EEXIST", "link", path);
    this.#enter(directory, name, node);
  }

  async unlink(path: string): Promise<void> {
    const { directory, name } = this.#place(path, "unlink");
    const there = directory.entries.get(name);
    if (!there) throw systemError("ENOENT", "unlink", path);
    if (there.kind === "directory") throw systemError("EISDIR", "unlink", path);
    this.#leave(directory, name);
  }

  async touch(path: string, ms: number): Promise<void> {
    const node = this.#find(path);
    if (!node) throw systemError("ENOENT", "utime", path);
    node.modified = ms;
  }

  async chmod(path: string, mode: number): Promise<void> {
    const node = this.#find(path);
    if (!node) throw systemError("ENOENT", "chmod", path);
    node.mode = mode;
  }

  async syncDirectory(path: string): Promise<void> {
    if (this.#find(path)?.kind !== "directory") throw systemError("ENOENT", "open", path);
  }

  async realpath(path: string): Promise<string> {
    if (!this.#find(path)) throw systemError("ENOENT", "realpath", path);
    return path;
  }

  #file(data: Uint8Array, mode = 0o644): File {
    return { kind: "file", inode: ++this.#inodes, data, modified: this.#now(), mode };
  }

  #enter(directory: Directory, name: string, node: Node): void {
    directory.entries.set(name, node);
    directory.modified = this.#now();
  }

  #leave(directory: Directory, name: string): void {
    directory.entries.delete(name);
    directory.modified = this.#now();
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of path.split("/")) {
      if (name === "") continue;
      if (node?.kind !== "directory") return undefined;
      node = node.entries.get(name);
    }
    return node;
  }

  #place(path: string, syscall: string): { readonly directory: Directory; readonly name: string } {
    const slash = path.lastIndexOf("/");
    const directory = this.#find(path.slice(0, slash));
    if (!directory) throw systemError("ENOENT", syscall, path);
    if (directory.kind === "file") throw systemError("ENOTDIR", syscall, path);
    return { directory, name: path.slice(slash + 1) };
  }

  #handle(file: File): FileHandle {
    return {
      read: async (buffer, offset, length, position) => {
        const bytes = file.data.subarray(position, position + length);
        buffer.set(bytes, offset);
        return bytes.length;
      },
      write: async (buffer, offset, length, position) => {
        const data = new Uint8Array(Math.max(file.data.length, position + length));
        data.set(file.data);
        data.set(buffer.subarray(offset, offset + length), position);
        file.data = data;
        file.modified = this.#now();
        return length;
      },
      sync: async () => {},
      stat: async () => statOf(file),
      truncate: async (size) => {
        const data = new Uint8Array(size);
        data.set(file.data.subarray(0, size));
        file.data = data;
        file.modified = this.#now();
      },
      close: async () => {},
    };
  }
}

function statOf(node: Node): FileStat {
  const size = node.kind === "file" ? node.data.length : 0;
  return { kind: node.kind, size, modified: node.modified, identity: `1:${node.inode}`, mode: node.mode };
}
