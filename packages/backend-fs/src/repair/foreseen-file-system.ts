import { basename, dirname, join } from "node:path";
import type { DirectoryEntry, FileHandle, FileStat, FileSystem } from "../files/file-system.ts";

/** A file that was written here, and not on the disk. */
interface Written {
  readonly identity: string;
  readonly mode: number;
  modified: number;
  bytes: Uint8Array;
}

/** What a path is on here: a file of the disk under its own path, or something that is only here. */
type Node = { readonly at: string } | Written | "directory";

let made = 0;

/**
 * The disk as it would be after some calls: each is done here, in memory, and none there. For a dry run, which then says what
 * the real run says because it does the same; so it is for small files, and a file of the disk is replaced but not written to.
 */
export function foreseenFileSystem(disk: FileSystem, now: () => number): FileSystem {
  const number = ++made;
  /** What differs from the disk; `undefined`: nothing is there any more. */
  const nodes = new Map<string, Node | undefined>();
  let files = 0;

  const nodeAt = async (path: string): Promise<Node | undefined> => {
    if (nodes.has(path)) return nodes.get(path);
    return (await disk.lstat(path)) ? { at: path } : undefined;
  };
  const mustBe = async (path: string): Promise<Node> => {
    const node = await nodeAt(path);
    if (!node) throw failure("ENOENT", path);
    return node;
  };
  const statOf = async (node: Node): Promise<FileStat | undefined> => {
    if (node === "directory") return { kind: "directory", size: 0, modified: now(), identity: "", mode: 0o755 };
    if ("at" in node) return disk.lstat(node.at);
    const { identity, mode, modified, bytes } = node;
    return { kind: "file", size: bytes.length, modified, identity, mode };
  };
  const lstat = async (path: string) => {
    const node = await nodeAt(path);
    return node && statOf(node);
  };

  async function* readdir(path: string): AsyncGenerator<DirectoryEntry> {
    const node = await mustBe(path);
    if (node !== "directory") {
      for await (const entry of disk.readdir(path)) if (!nodes.has(join(path, entry.name))) yield entry;
    }
    for (const [each, found] of nodes) {
      if (!found || dirname(each) !== path) continue;
      const stat = await statOf(found);
      if (stat) yield { name: basename(each), kind: stat.kind };
    }
  }

  return {
    scope: `${disk.scope}, foreseen ${number}`,
    lstat,
    readdir,
    open: async (path, flags, mode = 0o644) => {
      if (flags === "wx") {
        if (await nodeAt(path)) throw failure("EEXIST", path);
        const node = { identity: `foreseen ${number}:${++files}`, mode, modified: now(), bytes: new Uint8Array() };
        nodes.set(path, node);
        return handleOf(node, now);
      }
      const node = await mustBe(path);
      if (node === "directory") throw failure("EISDIR", path);
      if (!("at" in node)) return handleOf(node, now);
      if (flags !== "r") throw failure("EROFS", path);
      return disk.open(node.at, flags);
    },
    mkdir: async (path) => {
      if (await nodeAt(path)) return false;
      await mustBe(dirname(path));
      nodes.set(path, "directory");
      return true;
    },
    rmdir: async (path) => {
      for await (const _ of readdir(path)) throw failure("ENOTEMPTY", path);
      nodes.set(path, undefined);
    },
    rename: async (from, to) => {
      nodes.set(to, await mustBe(from));
      nodes.set(from, undefined);
    },
    link: async (existing, path) => {
      if (await nodeAt(path)) throw failure("EEXIST", path);
      nodes.set(path, await mustBe(existing));
    },
    unlink: async (path) => {
      await mustBe(path);
      nodes.set(path, undefined);
    },
    touch: async (path, ms) => {
      const node = await mustBe(path);
      if (typeof node === "object" && "bytes" in node) node.modified = ms;
    },
    chmod: async (path) => void (await mustBe(path)),
    syncDirectory: async () => {},
    realpath: (path) => disk.realpath(path),
  };
}

function handleOf(node: Written, now: () => number): FileHandle {
  return {
    read: async (buffer, offset, length, position) => {
      const part = node.bytes.subarray(position, position + length);
      buffer.set(part, offset);
      return part.length;
    },
    write: async (buffer, offset, length, position) => {
      const longer = new Uint8Array(Math.max(node.bytes.length, position + length));
      longer.set(node.bytes);
      longer.set(buffer.subarray(offset, offset + length), position);
      node.bytes = longer;
      node.modified = now();
      return length;
    },
    sync: async () => {},
    stat: async () => {
      const { identity, mode, modified, bytes } = node;
      return { kind: "file", size: bytes.length, modified, identity, mode };
    },
    truncate: async (size) => {
      node.bytes = node.bytes.slice(0, size);
    },
    close: async () => {},
  };
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
