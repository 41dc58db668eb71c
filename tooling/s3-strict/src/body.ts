import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { crc32 } from "node:zlib";
import { S3Failure } from "./failure.ts";

/** The checksums that it can work out, in base 64. It refuses the others, rather than believe them. */
const CHECKSUMS: Readonly<Record<string, (bytes: Buffer) => string>> = {
  crc32: (bytes) => {
    const four = Buffer.alloc(4);
    four.writeUInt32BE(crc32(bytes));
    return four.toString("base64");
  },
  sha1: (bytes) => createHash("sha1").update(bytes).digest("base64"),
  sha256: (bytes) => createHash("sha256").update(bytes).digest("base64"),
};

const NAMED = /^x-amz-checksum-(?!mode$|type$|algorithm$)/;

export interface Body {
  readonly bytes: Buffer;
  readonly checksums: ReadonlyMap<string, string>;
}

/** Reads a body to its end, takes off its framing, and holds it against everything that the client has said of it. */
export async function readBody(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const raw = Buffer.concat(chunks);
  const said = new Map(
    Object.entries(request.headers).flatMap(([name, value]) =>
      NAMED.test(name) && typeof value === "string" ? [[name.slice("x-amz-checksum-".length), value] as const] : [],
    ),
  );
  const payload = String(request.headers["x-amz-content-sha256"] ?? "");
  const isFramed = payload.startsWith("STREAMING-");
  if (payload.startsWith("STREAMING-AWS4")) throw new S3Failure(501, "NotImplemented", "signed chunks");
  const bytes = isFramed ? unframed(raw, request, said) : raw;
  if (!isFramed && payload !== "UNSIGNED-PAYLOAD" && payload !== createHash("sha256").update(bytes).digest("hex")) {
    throw new S3Failure(400, "XAmzContentSHA256Mismatch");
  }
  const md5 = request.headers["content-md5"];
  if (md5 !== undefined && md5 !== createHash("md5").update(bytes).digest("base64"))
    throw new S3Failure(400, "BadDigest");
  for (const [name, value] of said) {
    const checksum = CHECKSUMS[name];
    if (!checksum) throw new S3Failure(501, "NotImplemented", `the checksum ${name}`);
    if (checksum(bytes) !== value) throw new S3Failure(400, "BadDigest", `the bytes have another ${name}`);
  }
  return { bytes, checksums: said };
}

/** `aws-chunked`, with a trailer. @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html */
function unframed(raw: Buffer, { headers }: IncomingMessage, said: Map<string, string>): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  const line = () => {
    const end = raw.indexOf("\r\n", at);
    if (end < 0) throw new S3Failure(400, "IncompleteBody");
    const text = raw.subarray(at, end).toString("latin1");
    at = end + 2;
    return text;
  };
  for (;;) {
    const size = Number.parseInt(line(), 16);
    if (!Number.isInteger(size)) throw new S3Failure(400, "InvalidChunkSizeError");
    if (size === 0) break;
    if (raw.length < at + size + 2) throw new S3Failure(400, "IncompleteBody");
    parts.push(raw.subarray(at, at + size));
    at += size + 2;
  }
  const bytes = Buffer.concat(parts);
  if (Number(headers["x-amz-decoded-content-length"]) !== bytes.length) throw new S3Failure(400, "IncompleteBody");
  for (let text = line(); text !== ""; text = line()) {
    const [name = "", value = ""] = text.split(":", 2);
    if (name !== headers["x-amz-trailer"]) throw new S3Failure(400, "MalformedTrailerError");
    said.set(name.slice("x-amz-checksum-".length), value.trim());
  }
  return bytes;
}
