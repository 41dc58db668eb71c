// A tar file of the kind that every tool reads (ustar), the same bytes for the same files: sorted, no owners, no times.
// See https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html, "ustar Interchange Format".

export interface TarEntry {
  /** Relative, with `/`; at most 100 bytes, which is enough for us. A directory ends in `/`. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

const BLOCK = 512;

export function tar(entries: readonly TarEntry[]): Uint8Array {
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1));
  const blocks = sorted.flatMap(({ path, bytes }) => [headerOf(path, bytes.length), padded(bytes)]);
  return Buffer.concat([...blocks, new Uint8Array(2 * BLOCK)]);
}

function headerOf(path: string, size: number): Uint8Array {
  const header = Buffer.alloc(BLOCK);
  if (Buffer.byteLength(path) > 100) throw new RangeError(`too long for a plain tar header: ${path}`);
  const isDirectory = path.endsWith("/");
  header.write(path, 0);
  header.write(isDirectory ? "0000755\0" : "0000644\0", 100);
  header.write("0000000\0", 108); // owner
  header.write("0000000\0", 116); // group
  header.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136); // time
  header.write(" ".repeat(8), 148);
  header.write(isDirectory ? "5" : "0", 156);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(bytes.length / BLOCK) * BLOCK);
  whole.set(bytes);
  return whole;
}
