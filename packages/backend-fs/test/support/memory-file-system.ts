import { type BigIntStats, constants } from "node:fs";
import { Volume } from "memfs";
import { hasCode } from "../../src/files/errors.ts";
import type { FileHandle, FileKind, FileStat, FileSystem, OpenFlags } from "../../src/files/file-system.ts";

const FLAGS: Record<OpenFlags, number> = {
  r: constants.O_RDONLY | constants.O_NOFOLLOW,
  "r+": constants.O_RDWR | constants.O_NOFOLLOW,
  wx: constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
};

export interface MemoryFileSystem extends FileSystem {
  /** For what the port has no call for: symbolic links, a look at everything. */
  readonly volume: Volume;
}

let made = 0;

/** Another one that holds the same, times included. */
export function copyOf({ volume: from }: MemoryFileSystem): MemoryFileSystem {
  const copy = memoryFileSystem();
  const { volume: to } = copy;
  const visit = (path: string) => {
    const stat = from.lstatSync(path);
    if (stat.isDirectory()) {
      if (path !== "/") to.mkdirSync(path);
      for (const name of from.readdirSync(path) as string[]) visit(path === "/" ? `/${name}` : `${path}/${name}`);
    } else {
      to.writeFileSync(path, from.readFileSync(path));
    }
    to.utimesSync(path, stat.atimeMs / 1000, stat.mtimeMs / 1000);
  };
  visit("/");
  return copy;
}

/** A file system of its own, empty but for `/`, in memory. */
export function memoryFileSystem(): MemoryFileSystem {
  const volume = new Volume();
  volume.mkdirSync("/", { recursive: true });
  return {
    volume,
    scope: `memory ${made++}`,
    open: async (path, flags, mode = 0o644) => memoryHandle(volume, volume.openSync(path, FLAGS[flags], mode)),
    lstat: async (path) => {
      try {
        return fileStat(volume.lstatSync(path, { bigint: true }) as BigIntStats);
      } catch (error) {
        if (hasCode(error, "ENOENT")) return undefined;
        throw error;
      }
    },
    async *readdir(path) {
      for (const name of volume.readdirSync(path) as string[]) {
        const stat = await this.lstat(`${path}/${name}`);
        if (stat !== undefined) yield { name, kind: stat.kind };
      }
    },
    mkdir: async (path) => {
      try {
        volume.mkdirSync(path);
        return true;
      } catch (error) {
        if (hasCode(error, "EEXIST")) return false;
        throw error;
      }
    },
    // memfs counts what was renamed away as if it were there still.
    rmdir: async (path) => volume.rmdirSync(path, { recursive: volume.readdirSync(path).length === 0 }),
    rename: async (from, to) => volume.renameSync(from, to),
    link: async (existing, path) => volume.linkSync(existing, path),
    unlink: async (path) => volume.unlinkSync(path),
    touch: async (path, ms) => volume.lutimesSync(path, ms / 1000, ms / 1000),
    chmod: async (path, mode) => volume.chmodSync(path, mode),
    syncDirectory: async (path) => void volume.readdirSync(path),
    realpath: async (path) => volume.realpathSync(path) as string,
  };
}

function memoryHandle(volume: Volume, fd: number): FileHandle {
  return {
    read: async (buffer, offset, length, position) => volume.readSync(fd, buffer, offset, length, position),
    write: async (buffer, offset, length, position) => volume.writeSync(fd, buffer, offset, length, position),
    sync: async () => volume.fsyncSync(fd),
    stat: async () => fileStat(volume.fstatSync(fd, { bigint: true }) as BigIntStats),
    truncate: async (size) => volume.ftruncateSync(fd, size),
    close: async () => volume.closeSync(fd),
  };
}

function fileStat(stat: BigIntStats): FileStat {
  return {
    kind: kindOf(stat),
    size: Number(stat.size),
    modified: Number(stat.mtimeMs),
    identity: `${stat.dev}:${stat.ino}`,
    mode: Number(stat.mode) & 0o7777,
  };
}

function kindOf(stat: BigIntStats): FileKind {
  if (stat.isFile()) return "file";
  return stat.isDirectory() ? "directory" : "other";
}
