import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { isOciStoreError } from "@ocistore/core";
import { expect, test } from "vitest";
import { openArchive } from "../../src/index.ts";
import { snapshot } from "../support/foreign-layout.ts";
import {
  archiveOf,
  base256,
  header,
  INDEX,
  LAYER_BLOB,
  named,
  OCI_LAYOUT,
  pax,
  renamed,
  tar,
  WHOLE,
  without,
} from "../support/tar-builder.ts";

async function expectRefused(bytes: Uint8Array, code: string, why: RegExp): Promise<void> {
  const file = await archiveOf(bytes);
  const before = await snapshot(join(file, ".."));
  const error: unknown = await openArchive(file).catch((reason: unknown) => reason);
  expect(isOciStoreError(error) ? `${error.code} ${error.message}` : error).toMatch(why);
  expect(isOciStoreError(error) && error.code).toBe(code);
  expect(await snapshot(join(file, ".."))).toEqual(before);
}

const LAYER_NAME = LAYER_BLOB.name;

test.each<[string, Uint8Array, string, RegExp]>([
  ["an absolute name", renamed((name) => `/${name}`), "LAYOUT_INVALID", /leads out/],
  ["a name that leads out", tar({ name: "../evil", content: "x" }, ...WHOLE), "LAYOUT_INVALID", /leads out/],
  ["a name that leads out and back", renamed((name) => `x/../${name}`), "LAYOUT_INVALID", /leads out/],
  [
    "a name in an extended header that leads out",
    tar(pax({ path: "blobs/../../x" }), ...WHOLE),
    "LAYOUT_INVALID",
    /leads out/,
  ],
  [
    "a long name that leads out",
    tar({ name: "x", type: "L", content: "/x\0" }, ...WHOLE),
    "LAYOUT_INVALID",
    /leads out/,
  ],
  [
    "a symbolic link as index.json",
    named("index.json", { type: "2", content: "", link: "/etc/passwd" }),
    "LAYOUT_INVALID",
    /symbolic link/,
  ],
  [
    "a symbolic link as a blob",
    named(LAYER_NAME, { type: "2", content: "", link: "../../index.json" }),
    "LAYOUT_INVALID",
    /symbolic link/,
  ],
  [
    "a hard link to another member",
    named(LAYER_NAME, { type: "1", content: "", link: "index.json" }),
    "LAYOUT_INVALID",
    /hard link.*--hard-dereference/,
  ],
  [
    "a link as the directory of blobs, and a file through it",
    tar({ name: "blobs", type: "2", link: "/tmp" }, ...WHOLE),
    "LAYOUT_INVALID",
    /symbolic link/,
  ],
  [
    "a link as a directory of an algorithm",
    tar({ name: "./blobs/sha256", type: "2", link: "." }, ...WHOLE),
    "LAYOUT_INVALID",
    /symbolic link/,
  ],
  [
    "a file as a directory",
    tar({ name: "blobs/sha256", content: "x" }, ...WHOLE),
    "LAYOUT_INVALID",
    /regular file|no file/,
  ],
  ["a device as a blob", named(LAYER_NAME, { type: "3", content: "" }), "LAYOUT_INVALID", /no file/],
  ["a fifo as oci-layout", named("oci-layout", { type: "6", content: "" }), "LAYOUT_INVALID", /no file/],
  ["a directory as a blob", named(LAYER_NAME, { type: "5", content: "" }), "LAYOUT_INVALID", /directory/],
  ["a vendor's type as a blob", named(LAYER_NAME, { type: "Z" }), "LAYOUT_INVALID", /no file/],
  [
    "a link with a size",
    tar({ name: "x", type: "2", size: 512 }, ...WHOLE),
    "LAYOUT_INVALID",
    /no file, and has a size/,
  ],
  [
    "two versions of index.json",
    tar(...WHOLE, { ...INDEX, content: INDEX.content!.toString().replace("v1", "v2") }),
    "LAYOUT_INVALID",
    /twice/,
  ],
  [
    "two versions of index.json, one with ./",
    tar({ name: "./index.json", content: "{}" }, ...WHOLE),
    "LAYOUT_INVALID",
    /twice/,
  ],
  ["a blob in two sizes", tar(...WHOLE, { ...LAYER_BLOB, content: "x" }), "LAYOUT_INVALID", /twice/],
  ["a negative size", named(LAYER_NAME, { size: new Uint8Array(12).fill(0xff) }), "LAYOUT_INVALID", /no valid size/],
  ["a negative size in words", named(LAYER_NAME, { size: "-1" }), "LAYOUT_INVALID", /no valid size/],
  ["a size that is no number", named(LAYER_NAME, { size: "98765432100" }), "LAYOUT_INVALID", /no valid size/],
  ["a size of 2^60", named(LAYER_NAME, { size: base256(2 ** 60) }), "LAYOUT_INVALID", /no valid size/],
  ["a size of 2^52, which is more than there is", named(LAYER_NAME, { size: base256(2 ** 52) }), "CORRUPT", /cut off/],
  ["a negative size in an extended header", tar(pax({ size: "-512" }), ...WHOLE), "LAYOUT_INVALID", /no valid size/],
  [
    "a huge size in an extended header",
    tar(pax({ size: "9999999999999999" }), ...WHOLE),
    "LAYOUT_INVALID",
    /no valid size/,
  ],
  [
    "a fraction of a size in an extended header",
    tar(pax({ size: "1e3" }), ...WHOLE),
    "LAYOUT_INVALID",
    /no valid size/,
  ],
  [
    "an extended header of gigabytes",
    tar(header({ name: "x", type: "x", size: 4 * 2 ** 30 - 1 }), ...WHOLE),
    "LAYOUT_INVALID",
    /extended by 4294967295 bytes/,
  ],
  [
    "a long name of gigabytes",
    tar(header({ name: "x", type: "L", size: 4 * 2 ** 30 - 1 }), ...WHOLE),
    "LAYOUT_INVALID",
    /extended by 4294967295 bytes/,
  ],
  [
    "an extended header of all that renames",
    tar(pax({ path: "index.json" }, "g"), ...WHOLE),
    "LAYOUT_INVALID",
    /sets their path/,
  ],
  [
    "an extended header of all that resizes",
    tar(pax({ size: "0" }, "g"), ...WHOLE),
    "LAYOUT_INVALID",
    /sets their size/,
  ],
  [
    "two extended headers of one member",
    tar(pax({ path: "a" }), pax({ path: "b" }), ...WHOLE),
    "LAYOUT_INVALID",
    /extended twice/,
  ],
  [
    "a long name and an extended header",
    tar({ name: "x", type: "L", content: "a\0" }, pax({ path: "b" }), ...WHOLE),
    "LAYOUT_INVALID",
    /extended twice/,
  ],
  [
    "a record that is too long",
    tar({ name: "x", type: "x", content: "99 path=x\n" }, ...WHOLE),
    "LAYOUT_INVALID",
    /damaged/,
  ],
  [
    "a record without a length",
    tar({ name: "x", type: "x", content: "path=index.json\n" }, ...WHOLE),
    "LAYOUT_INVALID",
    /damaged/,
  ],
  [
    "a record without an end",
    tar({ name: "x", type: "x", content: "9 path=xy" }, ...WHOLE),
    "LAYOUT_INVALID",
    /damaged/,
  ],
  ["a record without a key", tar({ name: "x", type: "x", content: "5 =x\n" }, ...WHOLE), "LAYOUT_INVALID", /damaged/],
  ["half a header at the end", tar(...WHOLE, pax({ path: "x" })), "LAYOUT_INVALID", /half a header/],
  ["GNU's sparse member", tar(...WHOLE, { name: "x", type: "S", content: "x" }), "UNSUPPORTED", /sparse/],
  ["a sparse member of pax", tar(pax({ "GNU.sparse.major": "1" }), ...WHOLE), "UNSUPPORTED", /sparse/],
  ["a part of another volume", tar({ name: "x", type: "M", content: "x" }, ...WHOLE), "UNSUPPORTED", /another volume/],
  ["a wrong checksum", named(LAYER_NAME, { checksum: 1 }), "LAYOUT_INVALID", /no header of a tar archive at byte/],
  ["a wrong checksum of the first member", named("oci-layout", { checksum: 1 }), "LAYOUT_INVALID", /not a tar archive/],
  ["no archive at all", Buffer.from("Once upon a time ".repeat(100)), "LAYOUT_INVALID", /not a tar archive/],
  ["nothing", new Uint8Array(), "LAYOUT_INVALID", /empty/],
  ["zeros", new Uint8Array(10_240), "LAYOUT_INVALID", /no oci-layout/],
  ["one byte", Uint8Array.of(0), "CORRUPT", /cut off/],
  [
    "a block of zeros in its midst",
    Buffer.concat([tar(OCI_LAYOUT).subarray(0, -512), tar(INDEX)]),
    "LAYOUT_INVALID",
    /in the midst/,
  ],
  ["cut off in a header", tar(...WHOLE).subarray(0, 700 + 1024), "CORRUPT", /cut off/],
  ["cut off in a member", tar(...WHOLE).subarray(0, -1024 - 512), "CORRUPT", /cut off/],
  ["cut off between two members", tar(...WHOLE).subarray(0, -1024), "CORRUPT", /cut off/],
  ["no oci-layout", tar(...without("oci-layout")), "LAYOUT_INVALID", /no oci-layout/],
  ["no index.json", tar(...without("index.json")), "LAYOUT_INVALID", /an oci-layout and no index.json/],
  [
    "another version of layout",
    named("oci-layout", { content: '{"imageLayoutVersion":"2.0.0"}' }),
    "LAYOUT_INVALID",
    /is not 1.0.0/,
  ],
  ["a layout in a directory", renamed((name) => `my-layout/${name}`), "LAYOUT_INVALID", /lies in "my-layout" inside/],
  [
    "docker's own kind",
    tar({ name: "manifest.json", content: "[]" }, { name: "repositories", content: "{}" }),
    "UNSUPPORTED",
    /docker save.*skopeo/,
  ],
  ["gzip", gzipSync(tar(...WHOLE)), "UNSUPPORTED", /gzip.*gzip -dc/],
  ["zstd", Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0), "UNSUPPORTED", /zstd/],
  ["xz", Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 0), "UNSUPPORTED", /xz/],
  ["bzip2", Buffer.from("BZh91AY&SY"), "UNSUPPORTED", /bzip2/],
  ["lz4", Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0, 0, 0, 0), "UNSUPPORTED", /lz4/],
])("refuses an archive: %s", (_, bytes, code, why) => expectRefused(bytes, code, why));
