import { OciStoreError, type Signal } from "@ocistore/core";
import { parsePax } from "./pax.ts";
import { BLOCK, hasChecksum, isEmptyBlock, latin1, padded, parseHeader, type TarHeader } from "./tar-header.ts";
import { type Window, windowOver } from "./window.ts";

/** A member of an archive as its headers tell of it. */
export interface TarMember {
  /** One character for each byte. */
  readonly name: string;
  readonly type: string;
  /** Where its bytes begin. */
  readonly start: number;
  readonly size: number;
}

/** Longer than any path that a system takes. */
const NAME_LIMIT = 64 * 1024;
/** Of an extended header. Times, owners and attributes are all that anybody puts there. */
const PAX_LIMIT = 1024 * 1024;

/** Links, devices, directories, fifos: they have no bytes, and readers do not agree on what a size of theirs means. */
const WITHOUT_BYTES = "123456";

/**
 * The members of a tar archive: old, POSIX (ustar and pax) and GNU. Only headers are read; the bytes between them are
 * passed over. What two readers could take for two different things is refused.
 *
 * @throws `LAYOUT_INVALID`; `CORRUPT` if it ends too early; `UNSUPPORTED` for sparse members and parts of several volumes.
 */
export async function* tarMembers(read: Window["read"], total: number, o: Signal = {}): AsyncGenerator<TarMember> {
  const window = windowOver(read, total);
  let extended: Extended = NONE;
  for (let at = 0; ; ) {
    o.signal?.throwIfAborted();
    const block = await window.block(at, BLOCK);
    if (isEmptyBlock(block)) {
      if (extended !== NONE) throw invalid(`the archive ends at byte ${at} after half a header`);
      await mustEnd(window, at + BLOCK, total);
      return;
    }
    if (!hasChecksum(block)) throw invalid(at === 0 ? "not a tar archive" : `no header of a tar archive at byte ${at}`);
    const header = parseHeader(block, at);
    const start = at + BLOCK;
    const { size = header.size } = extended;
    if (EXTENSIONS.has(header.type)) {
      extended = await extend(extended, header, at, window);
      at = start + padded(header.size);
      continue;
    }
    if (header.type === "S") throw sparse(header.name);
    if (header.type === "M") {
      throw new OciStoreError("UNSUPPORTED", `${JSON.stringify(header.name)} is continued from another volume`);
    }
    if (WITHOUT_BYTES.includes(header.type) && size !== 0) {
      throw invalid(`${JSON.stringify(header.name)} is no file, and has a size`);
    }
    yield { name: extended.name ?? header.name, type: header.type, start, size };
    extended = NONE;
    at = start + padded(size);
  }
}

/** What extended headers say of the member that follows. */
interface Extended {
  readonly name?: string;
  readonly size?: number;
  /** Which kinds of header have said something. */
  readonly seen: string;
}

const NONE: Extended = { seen: "" };

/** pax, of one member and of all that follow; Solaris' name for pax; GNU's long names of a member and of a link. */
const EXTENSIONS: ReadonlySet<string> = new Set(["x", "g", "X", "L", "K"]);

async function extend(before: Extended, header: TarHeader, at: number, window: Window): Promise<Extended> {
  const type = header.type === "X" ? "x" : header.type;
  const isName = type === "L" || type === "K";
  const limit = isName ? NAME_LIMIT : PAX_LIMIT;
  if (header.size > limit)
    throw invalid(`the header at byte ${at} is extended by ${header.size} bytes, at most ${limit}`);
  const bytes = await window.block(at + BLOCK, header.size);
  if (type === "g") {
    const records = parsePax(bytes, at);
    // Of all members the same: nobody means that well.
    for (const key of records.keys())
      if (IDENTITY.test(key)) throw invalid(`a header of all members sets their ${key}`);
    return before;
  }
  if (before.seen.includes(type) || (type !== "K" && /[xL]/.test(before.seen))) {
    throw invalid(`the header at byte ${at} is extended twice`);
  }
  const seen = before.seen + type;
  if (type === "K") return { ...before, seen };
  if (type === "L") return { ...before, seen, name: latin1(bytes).replace(/\0+$/, "") };
  const records = parsePax(bytes, at);
  const name = records.get("path");
  for (const key of records.keys()) if (key.startsWith("GNU.sparse.")) throw sparse(name ?? `at byte ${at}`);
  const size = records.get("size");
  if (size !== undefined && !/^\d{1,16}$/.test(size)) throw invalid(`the header at byte ${at} has no valid size`);
  if (Number(size ?? 0) > Number.MAX_SAFE_INTEGER) throw invalid(`the header at byte ${at} has no valid size`);
  return { seen, ...(name !== undefined && { name }), ...(size !== undefined && { size: Number(size) }) };
}

const IDENTITY = /^(?:path|size|linkpath|GNU\.sparse\..*)$/;

/**
 * Two blocks of zeros end an archive, and what follows them is nobody's. One is enough at the very end; in the midst
 * some readers go on and others stop.
 */
async function mustEnd(window: Window, at: number, total: number): Promise<void> {
  if (at + BLOCK > total || isEmptyBlock(await window.block(at, BLOCK))) return;
  throw invalid(`a block of zeros at byte ${at - BLOCK} in the midst of the archive`);
}

function sparse(name: string): OciStoreError {
  return new OciStoreError("UNSUPPORTED", `${JSON.stringify(name)} is a sparse member; pack it again without --sparse`);
}

function invalid(why: string): OciStoreError {
  return new OciStoreError("LAYOUT_INVALID", why);
}
