import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryDirectory } from "./foreign-layout.ts";

// Tar archives byte by byte, honest or not. Nothing of it is the project's own code.

const BLOCK = 512;

export interface Member {
  readonly name: string;
  readonly content?: string | Uint8Array;
  /** `0`, a regular file, unless given. */
  readonly type?: string;
  /** What the header says; the length of the content unless given. A string is written as it is. */
  readonly size?: number | string | Uint8Array;
  readonly link?: string;
  readonly magic?: string;
  readonly prefix?: string;
  /** Added to the right one. */
  readonly checksum?: number;
}

export function header(m: Member): Buffer {
  const block = Buffer.alloc(BLOCK);
  const { size = Buffer.from(m.content ?? "").length } = m;
  block.write(m.name, 0, 100, "latin1");
  block.write("0000644\0", 100);
  block.write("0000000\0", 108);
  block.write("0000000\0", 116);
  if (size instanceof Uint8Array) block.set(size, 124);
  else block.write(typeof size === "string" ? size : `${size.toString(8).padStart(11, "0")}\0`, 124, 12, "latin1");
  block.write("00000000000\0", 136);
  block.write(m.type ?? "0", 156, "latin1");
  block.write(m.link ?? "", 157, 100, "latin1");
  block.write(m.magic ?? "ustar\x0000", 257, 8, "latin1");
  block.write(m.prefix ?? "", 345, 155, "latin1");
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, m.checksum ?? 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

export function member(m: Member): Buffer {
  const content = Buffer.from(m.content ?? "");
  return Buffer.concat([header(m), content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]);
}

export const END = Buffer.alloc(2 * BLOCK);

export function tar(...members: readonly (Member | Buffer)[]): Buffer {
  return Buffer.concat([...members.map((each) => (Buffer.isBuffer(each) ? each : member(each))), END]);
}

/** A record of an extended header. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.from(rest).length;
  while (String(length).length + Buffer.from(rest).length !== length)
    length = String(length).length + Buffer.from(rest).length;
  return `${length}${rest}`;
}

export function pax(records: Readonly<Record<string, string>>, type = "x"): Member {
  const content = Object.entries(records)
    .map(([key, value]) => record(key, value))
    .join("");
  return { name: "PaxHeaders/x", type, content };
}

export const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");

export const OCI_LAYOUT: Member = { name: "oci-layout", content: '{"imageLayoutVersion":"1.0.0"}' };

const CONFIG = "{}";
const LAYER = "the bytes of a layer";
const IMAGE = JSON.stringify({
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  config: { mediaType: "application/vnd.oci.empty.v1+json", digest: `sha256:${sha256(CONFIG)}`, size: CONFIG.length },
  layers: [{ mediaType: "application/vnd.example", digest: `sha256:${sha256(LAYER)}`, size: LAYER.length }],
});
export const INDEX: Member = {
  name: "index.json",
  content: JSON.stringify({
    schemaVersion: 2,
    manifests: [
      {
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        digest: `sha256:${sha256(IMAGE)}`,
        size: IMAGE.length,
        annotations: { "org.opencontainers.image.ref.name": "v1" },
      },
    ],
  }),
};
export const blob = (content: string): Member => ({ name: `blobs/sha256/${sha256(content)}`, content });
const [MANIFEST_BLOB, CONFIG_BLOB] = [blob(IMAGE), blob(CONFIG)];
export const LAYER_BLOB = blob(LAYER);

/** An image with the tag v1. */
export const WHOLE: readonly Member[] = [OCI_LAYOUT, INDEX, MANIFEST_BLOB, CONFIG_BLOB, LAYER_BLOB];

/** The members of {@link WHOLE}, each changed, or left out. */
export function whole(change: (member: Member) => Member | undefined): Member[] {
  return WHOLE.flatMap((each) => change(each) ?? []);
}

/** Of the members of {@link WHOLE}, one changed, all renamed, one left out. */
export const named = (name: string, changes: Partial<Member>) =>
  tar(...whole((m) => (m.name === name ? { ...m, ...changes } : m)));
export const renamed = (rename: (name: string) => string) => tar(...whole((m) => ({ ...m, name: rename(m.name) })));
export const without = (name: string) => whole((m) => (m.name === name ? undefined : m));
/** A number as GNU writes one that is too large for the field. */
export const base256 = (value: number) => {
  const bytes = new Uint8Array(12);
  bytes[0] = 0x80;
  new DataView(bytes.buffer).setBigUint64(4, BigInt(value));
  return bytes;
};

export async function archiveOf(bytes: Uint8Array): Promise<string> {
  const file = join(await temporaryDirectory(), "archive.tar");
  await writeFile(file, bytes);
  return file;
}
