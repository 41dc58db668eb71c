import { OciStoreError } from "@ocistore/core";

/** Everything in a tar archive comes in blocks of so many bytes. */
export const BLOCK = 512;

/** Bytes that a member's data takes in the archive. */
export function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/**
 * The head of a member.
 *
 * @see https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_06
 */
export interface TarHeader {
  /** One character for each byte, so that no two names become one. */
  readonly name: string;
  readonly size: number;
  /** `0` for a regular file, also where an old archive leaves it out. */
  readonly type: string;
}

const NAME = [0, 100] as const;
const MODE = [100, 8] as const;
const UID = [108, 8] as const;
const GID = [116, 8] as const;
const SIZE = [124, 12] as const;
const MTIME = [136, 12] as const;
const CHECKSUM = [148, 8] as const;
const TYPE = 156;
const MAGIC = [257, 8] as const;
const PREFIX = [345, 155] as const;

const POSIX = "ustar\0";

/** What a block of zeros is: a part of the end of the archive. */
export function isEmptyBlock(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

/** Whether these 512 bytes can be the head of a member. */
export function hasChecksum(block: Uint8Array): boolean {
  const [start, length] = CHECKSUM;
  const stated = readNumber(block, CHECKSUM);
  // Some old writers added up signed bytes.
  let [unsigned, signed] = [0, 0];
  block.forEach((byte, at) => {
    const counted = at >= start && at < start + length ? 0x20 : byte;
    unsigned += counted;
    signed += (counted << 24) >> 24;
  });
  return stated === unsigned || stated === signed;
}

/** @param at Where in the archive it lies, for the error. @throws `LAYOUT_INVALID` if no size can be read from it. */
export function parseHeader(block: Uint8Array, at: number): TarHeader {
  const size = readNumber(block, SIZE);
  if (size === undefined) {
    throw new OciStoreError("LAYOUT_INVALID", `the header at byte ${at} of the archive has no valid size`);
  }
  const prefix = text(block, MAGIC).startsWith(POSIX) ? string(block, PREFIX) : "";
  const name = string(block, NAME);
  const type = String.fromCharCode(block[TYPE]!);
  return { name: prefix === "" ? name : `${prefix}/${name}`, size, type: type === "\0" ? "0" : type };
}

/**
 * The head of a member that is written: nobody's, of no time, so that the same content makes the same archive.
 *
 * @param name At most 100 ASCII characters.
 * @param size Less than 8 GiB; what is larger has its size in an extended header, and here none.
 */
export function encodeHeader(name: string, size: number, type: "0" | "5" | "x"): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = ([start, length]: readonly [number, number], value: string) => {
    block.set(new TextEncoder().encode(value).subarray(0, length), start);
  };
  const octal = (field: readonly [number, number], value: number) =>
    put(field, `${value.toString(8).padStart(field[1] - 1, "0")}\0`);
  put(NAME, name);
  octal(MODE, type === "5" ? 0o755 : 0o644);
  octal(UID, 0);
  octal(GID, 0);
  octal(SIZE, size);
  octal(MTIME, 0);
  block[TYPE] = type.charCodeAt(0);
  put(MAGIC, `${POSIX}00`);
  put(CHECKSUM, "        ");
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(CHECKSUM, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}

/** The largest size that the field of a header can hold. */
export const SIZE_LIMIT = 8 ** 11 - 1;

/** Octal digits with blanks around them, or where the first bit is set a binary number. */
function readNumber(block: Uint8Array, field: readonly [number, number]): number | undefined {
  const [start, length] = field;
  const bytes = block.subarray(start, start + length);
  if (bytes[0]! >= 0x80) {
    // 0xff starts a negative number, of which nothing here is one.
    const value = bytes.subarray(1).reduce((total, byte) => total * 256 + byte, bytes[0]! & 0x7f);
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const [, digits] = /^ *([0-7]*)[ \0]*$/.exec(text(block, field)) ?? [];
  return digits === undefined ? undefined : Number.parseInt(digits || "0", 8);
}

function string(block: Uint8Array, field: readonly [number, number]): string {
  return text(block, field).replace(/\0.*$/s, "");
}

function text(block: Uint8Array, [start, length]: readonly [number, number]): string {
  return latin1(block.subarray(start, start + length));
}

/** One character for each byte. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
