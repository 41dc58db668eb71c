import { type BigIntStats, constants, type Dirent, promises } from "node:fs";
import { Bulk, readInBulk } from "./bulk.ts";
import { hasCode } from "./errors.ts";
import type { DirectoryEntry, FileHandle, FileKind, FileStat, FileSystem, OpenFlags } from "./file-system.ts";

// Windows has neither flag. There the identity check of `openRegular` is what notices a link.
const CAREFUL = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

const FLAGS: Record<OpenFlags, number> = {
  r: constants.O_RDONLY | CAREFUL,
  "r+": constants.O_RDWR | CAREFUL,
  wx: constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | CAREFUL,
};

const looks = new Bulk(look, { read: false });

/** The file system of this machine. It holds no state: all of its instances are alike. */
export function nodeFileSystem(): FileSystem {
  const fs: FileSystem = {
    scope: "disk",
    open: async (path, flags, mode = 0o644) => fileHandle(await promises.open(path, FLAGS[flags], mode)),
    lstat: async (path) => (await looks.get(path))?.stat,
    readdir,
    mkdir: async (path) => {
      try {
        await promises.mkdir(path);
        return true;
      } catch (error) {
        if (hasCode(error, "EEXIST")) return false;
        throw error;
      }
    },
    rmdir: (path) => promises.rmdir(path),
    rename: (from, to) => promises.rename(from, to),
    link: (existing, path) => promises.link(existing, path),
    unlink: (path) => promises.unlink(path),
    touch: (path, ms) => promises.lutimes(path, ms / 1000, ms / 1000),
    chmod: (path, mode) => promises.chmod(path, mode),
    syncDirectory,
    realpath: (path) => promises.realpath(path),
  };
  readInBulk(fs);
  return fs;
}

async function look(path: string): Promise<{ readonly stat: FileStat } | undefined> {
  try {
    return { stat: fileStat(await promises.lstat(path, { bigint: true })) };
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

function fileHandle(handle: promises.FileHandle): FileHandle {
  return {
    fd: handle.fd,
    read: async (buffer, offset, length, position) => (await handle.read(buffer, offset, length, position)).bytesRead,
    write: async (buffer, offset, length, position) =>
      (await handle.write(buffer, offset, length, position)).bytesWritten,
    sync: () => handle.sync(),
    stat: async () => fileStat(await handle.stat({ bigint: true })),
    truncate: (size) => handle.truncate(size),
    close: () => handle.close(),
  };
}

async function* readdir(path: string): AsyncGenerator<DirectoryEntry> {
  for await (const entry of await promises.opendir(path, { bufferSize: 1024 })) {
    yield { name: entry.name, kind: kindOf(entry) };
  }
}

/**
 * `fsync` of a directory. Windows and some network file systems refuse to open one or to sync it, and there is nothing
 * to be done about that; but a disk that answers EIO or ENOSPC has told us that the entries may be lost.
 */
async function syncDirectory(path: string): Promise<void> {
  let handle: promises.FileHandle;
  try {
    handle = await promises.open(path, constants.O_RDONLY);
  } catch (error) {
    // EPERM and EACCES only where a directory can never be opened: elsewhere they mean that we may not.
    if (hasCode(error, "EISDIR") || (process.platform === "win32" && hasCode(error, "EPERM", "EACCES"))) return;
    throw error;
  }
  try {
    await handle.sync();
  } catch (error) {
    if (!hasCode(error, "EISDIR", "EINVAL", "ENOTSUP", "EOPNOTSUPP", "EPERM")) throw error;
  } finally {
    await handle.close();
  }
}

function fileStat(stat: BigIntStats): FileStat {
  return {
    kind: kindOf(stat),
    size: Number(stat.size),
    // Rounded, not cut: `touch` goes through a double of seconds, which may fall a few nanoseconds short.
    modified: Math.round(Number(stat.mtimeNs / 1000n) / 1000),
    identity: `${stat.dev}:${stat.ino}`,
    mode: Number(stat.mode & 0o7777n),
  };
}

function kindOf(entry: BigIntStats | Dirent): FileKind {
  if (entry.isFile()) return "file";
  return entry.isDirectory() ? "directory" : "other";
}
