import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bytes, type Environment, randomId, systemEnvironment } from "@ocistore/core";
import { reported } from "../files/errors.ts";
import type { FileSystem } from "../files/file-system.ts";
import { unlinkIfThere } from "../files/listing.ts";
import { nodeFileSystem } from "../files/node-file-system.ts";
import { spill } from "./write-whole.ts";

/**
 * Puts a stream into a file of its own for as long as `work` needs it: an archive is read from place to place, which a
 * pipe cannot. Only this user can read the file, and it is gone at the end, whatever happened.
 *
 * @param o.directory Where; the system's directory for such files (`TMPDIR`) unless given.
 * @param o.onBytes Told how many bytes have come.
 * @throws `NO_SPACE`, and what the stream throws.
 */
export async function spooled<T>(
  bytes: Bytes,
  work: (file: string) => Promise<T>,
  o: {
    readonly directory?: string | undefined;
    readonly fs?: FileSystem | undefined;
    readonly env?: Environment | undefined;
    readonly onBytes?: ((done: number) => void) | undefined;
  } = {},
): Promise<T> {
  const fs = o.fs ?? nodeFileSystem();
  const path = join(o.directory ?? tmpdir(), `ocistore-${randomId(o.env ?? systemEnvironment)}.tar`);
  const { onBytes } = o;
  let result: T;
  try {
    await reported("keep the stream in", path, () =>
      spill(fs, path, bytes, { mode: 0o600, ...(onBytes && { onBytes }) }),
    );
    result = await work(path);
  } catch (error) {
    // The first failure is the one to report.
    await unlinkIfThere(fs, path).catch(() => {});
    throw error;
  }
  await unlinkIfThere(fs, path);
  return result;
}
