import { execFileSync } from "node:child_process";
import { open, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "@ocistore/core";
import { expect, test } from "vitest";
import { archiveFileSystem } from "../../src/archive/archive-file-system.ts";
import { membersOf } from "../../src/archive/members.ts";
import type { FileSystem } from "../../src/files/file-system.ts";
import { nodeFileSystem } from "../../src/files/node-file-system.ts";
import { openArchive } from "../../src/index.ts";
import { tagsOf } from "../support/content.ts";
import { temporaryDirectory } from "../support/foreign-layout.ts";
import { archiveOf, END, LAYER_BLOB, type Member, member, sha256, tar, WHOLE } from "../support/tar-builder.ts";

/** The disk, and how many bytes have been read from it. */
function counting(): { readonly fs: FileSystem; read: number } {
  const disk = nodeFileSystem();
  const counter = {
    read: 0,
    fs: {
      ...disk,
      open: async (path: string, flags: "r" | "wx" | "r+", mode?: number) => {
        const handle = await disk.open(path, flags, mode);
        const read: typeof handle.read = async (...args) => {
          const got = await handle.read(...args);
          counter.read += got;
          return got;
        };
        return { ...handle, read };
      },
    },
  };
  return counter;
}

test("to open a large archive its headers are read, and of its content what is asked for", async () => {
  const large: Member[] = Array.from({ length: 20 }, (_, at) => {
    const content = new Uint8Array(1 << 20).fill(at);
    return { name: `blobs/sha256/${sha256(content)}`, content };
  });
  const file = await archiveOf(tar(...large, ...WHOLE));
  const counter = counting();
  const store = await openArchive(file, { fs: counter.fs });
  const opening = counter.read;
  expect(opening).toBeLessThan((large.length + WHOLE.length) * 4096 + 4096);
  const repository = store.repository();
  expect(await repository.bytes(`sha256:${sha256(LAYER_BLOB.content!)}`)).toHaveLength(LAYER_BLOB.content!.length);
  expect(await repository.bytes(`sha256:${sha256(large[7]!.content!)}`)).toHaveLength(1 << 20);
  expect(counter.read - opening).toBeLessThan((1 << 20) + 64 * 1024);
  for await (const piece of repository.blob(`sha256:${sha256(large[3]!.content!)}`, { start: 1000, end: 1003 }))
    expect([...piece]).toEqual([3, 3, 3]);
  expect(counter.read - opening).toBeLessThan((1 << 20) + 128 * 1024);
});

test("of a member no byte of the next one is read", async () => {
  const file = await archiveOf(tar(...WHOLE));
  const fs = await archiveFileSystem(nodeFileSystem(), file);
  const handle = await fs.open(join(file, LAYER_BLOB.name), "r");
  const { length } = LAYER_BLOB.content!;
  const buffer = new Uint8Array(1000);
  expect(await handle.read(buffer, 0, 1000, 0)).toBe(length);
  expect(await handle.read(buffer, 0, 1000, length - 1)).toBe(1);
  expect(await handle.read(buffer, 0, 1000, length)).toBe(0);
  expect(await handle.read(buffer, 0, 1000, length + 1)).toBe(0);
  await handle.close();
});

const LARGE = 9 * 2 ** 30 + 1;
const DIGEST = `sha256:${"ab".repeat(32)}` as Digest;
const NAME = `blobs/sha256/${"ab".repeat(32)}`;

/** How GNU tar begins an archive of a file that large, of which nothing is on the disk. */
async function headByTar(format: string): Promise<Buffer> {
  const directory = await temporaryDirectory();
  execFileSync("mkdir", ["-p", join(directory, "blobs/sha256")]);
  await writeFile(join(directory, NAME), "");
  await truncate(join(directory, NAME), LARGE);
  const command = `tar --format=${format} -C "$1" -cf - "$2" 2>/dev/null | head -c 4096`;
  const bytes = execFileSync("sh", ["-c", command, "sh", directory, NAME]);
  return bytes.subarray(
    0,
    bytes.findLastIndex((byte) => byte !== 0) + 512 - (bytes.findLastIndex((byte) => byte !== 0) % 512),
  );
}

function headByUs(): Buffer {
  const record = { digest: DIGEST, size: LARGE, generation: "" };
  return Buffer.from(membersOf({ entries: [], manifests: [], blobs: [record] }).at(-1)!.head);
}

test.each(["gnu", "posix", "ours"])("a blob of 9 GiB, as %s says its size", async (format) => {
  const head = format === "ours" ? headByUs() : await headByTar(format);
  const file = await archiveOf(Buffer.concat([...WHOLE.slice(0, 3).map(member), head]));
  const start = 512 * 2 * 2 + 512 + 512 * Math.ceil(String(WHOLE[2]!.content).length / 512) + head.length;
  const rest = start + 512 * Math.ceil(LARGE / 512);
  await truncate(file, rest);
  const handle = await open(file, "r+");
  await handle.write("the first bytes", start);
  await handle.write("!", start + LARGE - 1);
  await handle.write(Buffer.concat([...WHOLE.slice(3).map(member), END]), 0, undefined, rest);
  await handle.close();

  const store = await openArchive(file);
  expect(Object.keys(await tagsOf(store.repository()))).toEqual(["v1"]);
  expect(await store.parts.catalog.locate("", DIGEST)).toMatchObject({ size: LARGE });
  for (const [from, to, text] of [
    [0, 15, "the first bytes"],
    [LARGE - 1, LARGE, "!"],
  ] as const) {
    for await (const piece of store.repository().blob(DIGEST, { start: from, end: to }))
      expect(new TextDecoder().decode(piece)).toBe(text);
  }
});
