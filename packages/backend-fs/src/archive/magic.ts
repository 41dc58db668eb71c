import { OciStoreError } from "@ocistore/core";

/** How files begin that are often taken for tar archives, and what makes one of them. */
const OTHERS: readonly (readonly [name: string, magic: readonly number[], remedy: string])[] = [
  ["compressed by gzip", [0x1f, 0x8b], "gzip -dc"],
  ["compressed by zstd", [0x28, 0xb5, 0x2f, 0xfd], "zstd -dc"],
  ["compressed by xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a], "xz -dc"],
  ["compressed by bzip2", [0x42, 0x5a, 0x68], "bzip2 -dc"],
  ["compressed by lz4", [0x04, 0x22, 0x4d, 0x18], "lz4 -dc"],
];

/**
 * A compressed archive has no places to go to without unpacking what lies before them.
 *
 * @throws `UNSUPPORTED` if it is compressed, and says by what; `LAYOUT_INVALID` if it is empty.
 */
export async function mustBeTar(
  read: (buffer: Uint8Array, position: number) => Promise<number>,
  total: number,
): Promise<void> {
  if (total === 0) throw new OciStoreError("LAYOUT_INVALID", "the archive is empty");
  const start = new Uint8Array(8);
  await read(start, 0);
  const found = OTHERS.find(([, magic]) => magic.every((byte, at) => start[at] === byte));
  if (!found) return;
  const [what, , remedy] = found;
  throw new OciStoreError("UNSUPPORTED", `the archive is ${what}; unpack it first, with ${remedy}`);
}
