/**
 * The file calls that this backend makes, and no others. Everything goes through this port, so that a test can count,
 * fail, delay and cut short every one of them; a real disk, memfs and a faulting wrapper all fit.
 *
 * Failures are the platform's own errors, with their `code`. Absence is told only by `ENOENT` (or by `undefined` where a
 * method says so): no other failure is ever turned into it. `toOciStoreError` maps what is left for the caller to see.
 */
export interface FileSystem {
  /** Two file systems of the same scope show the same files under the same paths (see `src/lock/mutex.ts`). */
  readonly scope: string;

  /**
   * `r` and `r+` open what is there, `wx` creates and refuses what exists with `EEXIST`. None follows a symbolic link in
   * the last component (`ELOOP`), and none hangs on a fifo. `mode` is for `wx`, less the umask; 0644 unless given.
   */
  open(path: string, flags: OpenFlags, mode?: number): Promise<FileHandle>;

  /** What is at `path` itself, links not followed; `undefined` if nothing is (`ENOENT`), and for no other reason. */
  lstat(path: string): Promise<FileStat | undefined>;

  /** The entries of a directory, in no order. What comes or goes meanwhile may or may not be seen. */
  readdir(path: string): AsyncIterable<DirectoryEntry>;

  /** One directory, parents not. `false` if something of that name is there already, whatever it is. */
  mkdir(path: string): Promise<boolean>;
  rmdir(path: string): Promise<void>;

  /** Replaces a file at `to`. */
  rename(from: string, to: string): Promise<void>;

  /** A second name for a file; refuses to replace (`EEXIST`), and so decides who was first. */
  link(existing: string, path: string): Promise<void>;
  unlink(path: string): Promise<void>;

  /** Sets access and modification time, in ms since the epoch, of the entry itself. */
  touch(path: string, ms: number): Promise<void>;
  chmod(path: string, mode: number): Promise<void>;

  /** Makes the entries of a directory durable. Does nothing where the platform cannot open a directory for that. */
  syncDirectory(path: string): Promise<void>;

  realpath(path: string): Promise<string>;
}

export type OpenFlags = "r" | "wx" | "r+";

export interface FileHandle {
  /** The number of the descriptor, where it is the operating system's own; the kernel lock needs it. */
  readonly fd?: number;
  /** At most `length` bytes into `buffer` at `offset`; 0 at the end of the file. May be short. */
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<number>;
  /** How many bytes were taken, which may be fewer than `length`. */
  write(buffer: Uint8Array, offset: number, length: number, position: number): Promise<number>;
  sync(): Promise<void>;
  stat(): Promise<FileStat>;
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}

/** A symbolic link, a fifo, a socket and a device are all `other`: none of them is ever content. */
export type FileKind = "file" | "directory" | "other";

export interface FileStat {
  readonly kind: FileKind;
  /** Bytes. */
  readonly size: number;
  /** When it was last modified, in ms since the epoch. */
  readonly modified: number;
  /** `dev:ino`: the same for two names of one file, and for nothing else at the same time. */
  readonly identity: string;
  /** The permission bits. */
  readonly mode: number;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly kind: FileKind;
}
