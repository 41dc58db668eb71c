import { execFileSync } from "node:child_process";
import { mkdir, readFile, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf } from "@ocistore/core";
import { expect, onTestFinished, test } from "vitest";
import { openArchive, openLayout } from "../../src/index.ts";
import { errorsOf, tagsOf } from "../support/content.ts";
import { makeFifo } from "../support/file-systems.ts";
import { ForeignLayout, snapshot, temporaryDirectory } from "../support/foreign-layout.ts";
import {
  archiveOf,
  base256,
  blob,
  header,
  INDEX,
  LAYER_BLOB,
  type Member,
  member,
  named,
  OCI_LAYOUT,
  pax,
  renamed,
  sha256,
  tar,
  WHOLE,
  whole,
  without,
} from "../support/tar-builder.ts";

async function open(bytes: Uint8Array) {
  const store = await openArchive(await archiveOf(bytes));
  onTestFinished(() => store.close());
  return store;
}

/** The archive holds the image of {@link WHOLE}, and nothing is wrong with it. */
async function expectWhole(bytes: Uint8Array): Promise<void> {
  const store = await open(bytes);
  expect(Object.keys(await tagsOf(store.repository()))).toEqual(["v1"]);
  expect(await errorsOf(store)).toEqual([]);
  const [layer] = (await store.repository().manifest("v1")).layers;
  expect(new TextDecoder().decode(await store.repository().bytes(layer!))).toBe(LAYER_BLOB.content);
}

const LAYER_NAME = LAYER_BLOB.name;
const NOISE: Member = { name: "README", content: "not a part of a layout" };

test.each<[string, Uint8Array]>([
  ["as it should be", tar(...WHOLE)],
  ["with ./ before each name", renamed((name) => `./${name}`)],
  ["with dots and slashes that mean nothing", renamed((name) => `././/${name.replace("/", "/.//")}`)],
  ["in another order", tar(...[...WHOLE].reverse())],
  [
    "old, without a magic, and no type for a file",
    tar(...whole((m) => ({ ...m, magic: "\0\0\0\0\0\0\0\0", type: "\0" }))),
  ],
  ["GNU's magic", tar(...whole((m) => ({ ...m, magic: "ustar  \0" })))],
  [
    "names in two parts",
    tar(...whole((m) => (m.name.includes("/") ? { ...m, prefix: "blobs", name: m.name.slice(6) } : m))),
  ],
  [
    "GNU's long names",
    tar(
      ...WHOLE.flatMap((m) => [
        { name: "././@LongLink", type: "L", content: `${m.name}\0` },
        { ...m, name: "short" },
      ]),
    ),
  ],
  ["GNU's long name of a link before a member", tar({ name: "././@LongLink", type: "K", content: "x\0" }, ...WHOLE)],
  ["names in extended headers", tar(...WHOLE.flatMap((m) => [pax({ path: m.name }), { ...m, name: "short" }]))],
  [
    "sizes in extended headers",
    tar(
      ...WHOLE.flatMap((m) => [
        pax({ size: String(m.content!.length) }),
        Buffer.concat([header({ ...m, size: 0 }), member(m).subarray(512)]),
      ]),
    ),
  ],
  ["an extended header of all members that says nothing of them", tar(pax({ comment: "by git" }, "g"), ...WHOLE)],
  ["binary sizes", tar(...whole((m) => ({ ...m, size: base256(m.content!.length) })))],
  [
    "sizes with blanks around them",
    tar(...whole((m) => ({ ...m, size: `${m.content!.length.toString(8).padStart(10)}  ` }))),
  ],
  ["a file that wants to lie in one piece", named("index.json", { type: "7" })],
  [
    "files that do not belong to it",
    tar(NOISE, { name: "blobs/sha256/tmp-x", content: "x" }, { name: "blobs/md5/00", content: "x" }, ...WHOLE),
  ],
  [
    "directories",
    tar({ name: "blobs/", type: "5" }, { name: "./", type: "5" }, { name: "blobs/sha256/", type: "5" }, ...WHOLE),
  ],
  [
    "links and devices that do not belong to it",
    tar(...["1", "2", "3", "4", "6"].map((type) => ({ name: `x${type}`, type, link: "/etc/passwd" })), ...WHOLE),
  ],
  ["a link whose name has one that leads out", tar({ name: "x", type: "2", link: "../../etc" }, ...WHOLE)],
  [
    "a volume label, and what a vendor added",
    tar({ name: "label", type: "V" }, { name: "x", type: "Z", content: "x" }, ...WHOLE),
  ],
  ["a manifest.json beside it, as docker save writes", tar({ name: "manifest.json", content: "[]" }, ...WHOLE)],
  ["the same index.json twice", tar(...WHOLE, INDEX)],
  ["the same blob twice", tar(...WHOLE, LAYER_BLOB)],
  ["one block of zeros at the end", tar(...WHOLE).subarray(0, -512)],
  ["anything after the end", Buffer.concat([tar(...WHOLE), Buffer.from("whatever"), tar(...WHOLE)])],
  ["names that are no UTF-8", tar({ name: "\xff\xfe", content: "x" }, ...WHOLE)],
  ["a million empty blocks after the end", Buffer.concat([tar(...WHOLE), Buffer.alloc(1 << 20)])],
])("reads an archive: %s", (_, bytes) => expectWhole(bytes));

test("an index.json larger than anybody's is not read (B96)", async () => {
  const file = await archiveOf(new Uint8Array());
  const large = 5 * 2 ** 30;
  const head = Buffer.concat([member(OCI_LAYOUT), header({ name: "index.json", size: large })]);
  await writeFile(file, head);
  // All of its bytes are a hole in the file.
  await truncate(file, head.length + large + 1024);
  const store = await openArchive(file);
  await expect(tagsOf(store.repository())).rejects.toMatchObject({ code: "LAYOUT_INVALID", data: { actual: large } });
});

test("a blob with other bytes than its name says is corrupt, and is never given out whole", async () => {
  const store = await open(named(LAYER_NAME, { content: "the bytes of a lawyer" }));
  const digest = `sha256:${sha256(LAYER_BLOB.content!)}`;
  await expect(store.repository().bytes(digest)).rejects.toMatchObject({ code: "CORRUPT" });
  const about = (finding: string) => expect.stringContaining(`${finding} ${digest}`);
  expect(await errorsOf(store)).toEqual([about("size"), about("corrupt")]);
});

test("a second copy of a blob does not hide that the first is damaged", async () => {
  const store = await open(tar({ ...LAYER_BLOB, content: "THE BYTES OF A LAYER" }, ...WHOLE));
  await expect(store.repository().bytes(`sha256:${sha256(LAYER_BLOB.content!)}`)).rejects.toMatchObject({
    code: "CORRUPT",
  });
});

test("what the archive lacks is missing, as in a directory", async () => {
  const store = await open(tar(...without(LAYER_NAME)));
  expect(await errorsOf(store)).toEqual([expect.stringMatching(/^missing/)]);
});

test("everything that would change it is refused, and nothing is written beside it", async () => {
  const file = await archiveOf(tar(...WHOLE));
  const store = await openArchive(file);
  const repository = store.repository();
  const digest = (await repository.resolve("v1")).digest;
  const before = await snapshot(join(file, ".."));
  const attempts: (() => Promise<unknown>)[] = [
    () => repository.session((session) => session.putBlob(new TextEncoder().encode("new"))),
    () => repository.session((session) => session.has([digest])),
    () => repository.tag("v1", "v2"),
    () => repository.untag("v1"),
    () => repository.pin("v1", "keep"),
    () => repository.delete("v1"),
    () => store.collect(),
    () => store.setPolicy({ grace: 0, window: 0, wait: 0 }),
  ];
  for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: "READ_ONLY" });
  expect(await snapshot(join(file, ".."))).toEqual(before);
});

test("a link to an archive is the user's own, and is followed", async () => {
  const file = await archiveOf(tar(...WHOLE));
  await symlink("archive.tar", join(file, "../link.tar"));
  const store = await openArchive(join(file, "../link.tar"));
  expect(Object.keys(await tagsOf(store.repository()))).toEqual(["v1"]);
});

test("what is no file is no archive", async () => {
  const directory = await temporaryDirectory();
  await expect(openArchive(directory)).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  await expect(openArchive(join(directory, "none.tar"))).rejects.toMatchObject({ code: "NOT_FOUND" });
  makeFifo(join(directory, "fifo"));
  await expect(openArchive(join(directory, "fifo"))).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
});

test("from an archive that is replaced while it is open nothing is read any more", async () => {
  const file = await archiveOf(tar(...WHOLE));
  const store = await openArchive(file);
  const before = await readFile(file);
  await writeFile(file, tar(...WHOLE, blob("one more")));
  await expect(tagsOf(store.repository())).rejects.toMatchObject({ code: "CONFLICT" });
  await writeFile(file, before);
  await utimes(file, 1, 1);
  await expect(tagsOf(store.repository())).rejects.toMatchObject({ code: "CONFLICT" });
});

test("it can be cancelled, with the signal's own reason", async () => {
  const reason = new Error("enough");
  const file = await archiveOf(tar(...WHOLE));
  await expect(openArchive(file, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

test("GNU tar's own formats are read, and long digests too", async () => {
  const layout = await ForeignLayout.make();
  layout.list(await layout.image("app"), "app");
  await layout.writeIndex();
  await mkdir(join(layout.directory, "blobs/sha512"));
  const store = await openLayout(layout.directory);
  const content = new TextEncoder().encode("under a longer name");
  const long = digestOf(content, "sha512");
  await writeFile(join(layout.directory, "blobs", ...long.split(":")), content);
  await store.close();
  for (const format of ["gnu", "oldgnu", "pax", "posix"]) {
    const file = join(await temporaryDirectory(), "x.tar");
    execFileSync("tar", [`--format=${format}`, "-C", layout.directory, "-cf", file, "."]);
    const archive = await openArchive(file);
    expect(await errorsOf(archive)).toEqual([]);
    expect(Object.keys(await tagsOf(archive.repository()))).toEqual(["app"]);
    expect(await archive.repository().bytes(long)).toEqual(content);
  }
});
