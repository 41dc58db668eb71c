import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Descriptor,
  openMemory,
  packIndex,
  packManifest,
  referrersTag,
  type Session,
  type Store,
} from "@ocistore/core";
import { expect, onTestFinished, test } from "vitest";
import { nodeFileSystem } from "../../src/files/node-file-system.ts";
import { exportArchive, importArchive, openArchive, openLayout, writeArchive } from "../../src/index.ts";
import { bytes } from "../support/bytes.ts";
import { errorsOf, putImage, tagsOf } from "../support/content.ts";
import { faultyFileSystem } from "../support/faulty-file-system.ts";
import { makeFifo } from "../support/file-systems.ts";
import { ForeignLayout, snapshot, temporaryDirectory } from "../support/foreign-layout.ts";

async function emptyStore(): Promise<{ store: Store; directory: string }> {
  const directory = join(await temporaryDirectory(), "store");
  const store = await openLayout(directory, { create: true });
  onTestFinished(() => store.close());
  return { store, directory };
}

interface Content {
  readonly multi: Descriptor;
  readonly amd64: Descriptor;
  readonly arm64: Descriptor;
  readonly single: Descriptor;
  readonly signature: Descriptor;
  readonly sbom: Descriptor;
  readonly loose: Descriptor;
}

/** Everything that an archive has to carry: referrers at two depths, one with a tag, one found by machinery, untagged roots. */
async function furnished(store: Store, order: "one way" | "another" = "one way"): Promise<Content> {
  const repository = store.repository();
  return repository.session(async (session) => {
    const shared = await session.putBlob(bytes("shared"));
    const image = async (name: string, o: { tag?: string; subject?: Descriptor } = {}) =>
      putImage(session, name, { ...o, layers: [shared, await session.putBlob(bytes(`layer of ${name}`))] });
    const one = () => image("single", { tag: "single" });
    const loosely = () => image("loose");
    let [single, loose] = [undefined, undefined] as (Descriptor | undefined)[];
    if (order === "one way") [single, loose] = [await one(), await loosely()];
    const children = [await image("amd64"), await image("arm64")] as const;
    const multi = await session.putManifest(packIndex({ manifests: children }), { tags: ["multi"] });
    if (order === "another") [loose, single] = [await loosely(), await one()];
    const signature = await image("signature", { subject: multi });
    const sbom = await image("sbom", { subject: signature });
    await image("attestation", { subject: children[0], tag: "attestation" });
    const listing = await image("listed", { subject: single! });
    await session.putManifest(packIndex({ manifests: [listing] }), { tags: [referrersTag(single!.digest)] });
    const long = packManifest({ artifactType: "application/vnd.example.long", layers: [shared] });
    await session.putBlob({ stream: bytes("of another algorithm"), digest: SHA512 });
    const algorithm = { mediaType: "application/octet-stream", digest: SHA512, size: 20 };
    await session.putManifest(packManifest({ artifactType: "application/vnd.example", layers: [algorithm] }), {
      tags: ["long"],
    });
    await session.putManifest(long, { tags: ["one", "two/of:it"] });
    return { multi, amd64: children[0], arm64: children[1], single: single!, signature, sbom, loose: loose! };
  });
}

const SHA512 = sha512("of another algorithm");
function sha512(text: string) {
  const { createHash } = process.getBuiltinModule("node:crypto");
  return `sha512:${createHash("sha512").update(text).digest("hex")}` as Descriptor["digest"];
}

async function archiveBytes(store: Store, o: Parameters<typeof exportArchive>[1] = {}): Promise<Buffer> {
  return exportArchive(store, o, async (archive) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of archive.bytes()) pieces.push(piece);
    const all = Buffer.concat(pieces);
    expect(all.length).toBe(archive.size);
    return all;
  });
}

async function archived(store: Store, o: Parameters<typeof exportArchive>[1] = {}): Promise<Store> {
  const file = join(await temporaryDirectory(), "a.tar");
  await writeFile(file, await archiveBytes(store, o));
  return openArchive(file);
}

/** What a store says of itself, as far as an archive carries it. */
async function contentOf(store: Store) {
  const blobs: string[] = [];
  for await (const { digest, size } of store.parts.blobs.list()) blobs.push(`${digest} ${size}`);
  const roots: string[] = [];
  for await (const { why, name, digest } of store.roots()) roots.push(`${why} ${name ?? ""} ${digest}`);
  return { tags: await tagsOf(store.repository()), roots: roots.sort(), blobs: blobs.sort() };
}

const digestsIn = async (store: Store) => new Set((await contentOf(store)).blobs.map((line) => line.split(" ")[0]));

test("everything goes through an archive and back, roots and referrers included", async () => {
  const { store } = await emptyStore();
  const { multi, arm64 } = await furnished(store);
  await store.repository().tag(multi, "again");
  await store.repository().delete("again");
  // A child that is a root of its own although an index names it.
  await store.parts.catalog.change("", [{ do: "keep", manifest: arm64.digest }]);
  const before = await contentOf(store);
  expect(before.roots.filter((root) => root.startsWith("own"))).toHaveLength(2);
  expect(await contentOf(await archived(store))).toEqual(before);

  const { store: other } = await emptyStore();
  const receipt = await importArchive(await archived(store), other);
  expect(receipt.roots.map(({ tag }) => tag)).toEqual([undefined, undefined, ...Object.keys(before.tags)]);
  expect(receipt.manifests.copied.count + receipt.blobs.copied.count).toBe(before.blobs.length);
  expect(await contentOf(other)).toEqual(before);
  expect(await errorsOf(other)).toEqual([]);
  expect((await other.planCollect({ grace: 0 })).items).toEqual([]);
});

test("the same content makes the same bytes, whatever it was pushed in and from where it comes", async () => {
  const [{ store: one }, { store: two }] = [await emptyStore(), await emptyStore()];
  await furnished(one);
  await furnished(two, "another");
  const first = await archiveBytes(one);
  expect((await archiveBytes(two)).equals(first)).toBe(true);
  expect((await archiveBytes(await archived(one))).equals(first)).toBe(true);
  const memory = await openMemory();
  await importArchive(await archived(one), memory);
  expect((await archiveBytes(memory)).equals(first)).toBe(true);
});

test("tar unpacks it into a layout that is whole", async () => {
  const { store } = await emptyStore();
  await furnished(store);
  const [file, directory] = [join(await temporaryDirectory(), "a.tar"), await temporaryDirectory()];
  await writeArchive(store, file);
  execFileSync("tar", ["-C", directory, "-xf", file]);
  const unpacked = await openLayout(directory, { readOnly: true });
  expect(await contentOf(unpacked)).toEqual(await contentOf(store));
  expect(await errorsOf(unpacked)).toEqual([]);
});

test("who reads it as a stream has heard of everything before it comes", async () => {
  const { store } = await emptyStore();
  await furnished(store);
  const file = join(await temporaryDirectory(), "a.tar");
  await writeArchive(store, file);
  const names = execFileSync("tar", ["-tf", file]).toString().trim().split("\n");
  expect(names.slice(0, 4)).toEqual(["oci-layout", "index.json", "blobs/", "blobs/sha256/"]);
  let heard = "";
  for (const name of names.filter((each) => !each.endsWith("/"))) {
    if (name.startsWith("blobs/")) expect(heard).toContain(name.slice("blobs/".length).replace("/", ":"));
    heard += execFileSync("tar", ["-xOf", file, name]).toString();
  }
});

test("of some references: what they keep, once, and what refers to them if that is asked for", async () => {
  const { store } = await emptyStore();
  const { multi, amd64, single, signature, sbom, loose } = await furnished(store);
  const alone = await archived(store, { references: ["multi", "single"] });
  expect(Object.keys(await tagsOf(alone.repository()))).toEqual(["multi", "single"]);
  expect(await errorsOf(alone)).toEqual([]);
  const digests = await digestsIn(alone);
  for (const { digest } of [multi, amd64, single]) expect(digests).toContain(digest);
  for (const { digest } of [signature, sbom, loose]) expect(digests).not.toContain(digest);

  const all = await archived(store, { references: ["multi", "single"], referrers: true });
  expect(await errorsOf(all)).toEqual([]);
  for (const { digest } of [signature, sbom]) expect(await digestsIn(all)).toContain(digest);
  // The tag of the attestation is somebody's name for it; the tag by which a client finds referrers goes with them.
  expect(Object.keys(await tagsOf(all.repository()))).toEqual(["multi", referrersTag(single.digest), "single"]);
  expect(await digestsIn(all)).not.toContain(loose.digest);

  const untagged = await archived(store, { references: [loose.digest] });
  expect((await contentOf(untagged)).roots).toEqual([`own  ${loose.digest}`]);
  const signed = await archived(store, { references: [signature.digest] });
  expect(await digestsIn(signed)).toContain(multi.digest);
  expect((await contentOf(signed)).roots).toEqual([`own  ${signature.digest}`]);
});

test("what only a pin keeps is a root without a name in the archive", async () => {
  const { store } = await emptyStore();
  const repository = store.repository();
  const pinned = await repository.session((session) => putImage(session, "app", { tag: "app" }));
  await repository.pin("app", "keep");
  await repository.untag("app");
  expect((await contentOf(await archived(store))).roots).toEqual([`own  ${pinned.digest}`]);
});

test("what is not there, and what lacks something, is no archive", async () => {
  const { store, directory } = await emptyStore();
  const { single, loose } = await furnished(store);
  const layer = (await store.repository().manifest("single")).layers[1]!;
  for (const reference of ["none", `sha256:${"0".repeat(64)}`, layer.digest])
    await expect(archiveBytes(store, { references: [reference] })).rejects.toMatchObject({ code: "NOT_FOUND" });
  await rm(join(directory, "blobs", ...layer.digest.split(":")));
  const missing = { code: "MISSING_CONTENT", data: { digests: [layer.digest] } };
  await expect(archiveBytes(store)).rejects.toMatchObject(missing);
  await expect(archiveBytes(store, { references: ["single"] })).rejects.toMatchObject(missing);
  const sparse = await archived(store, { references: ["single"], sparse: true });
  expect(await digestsIn(sparse)).toContain(single.digest);
  await archiveBytes(store, { references: [loose.digest] });
});

test("a damaged blob fails the export; no part of a file is left, and what was there before stays", async () => {
  const { store, directory } = await emptyStore();
  await furnished(store);
  const layer = (await store.repository().manifest("single")).layers[1]!;
  const target = join(await temporaryDirectory(), "a.tar");
  await writeFile(target, "what was there before");
  const blob = join(directory, "blobs", ...layer.digest.split(":"));
  for (const damage of ["X".repeat(layer.size), "X".repeat(layer.size + 1), "X"]) {
    await writeFile(blob, damage);
    await expect(writeArchive(store, target)).rejects.toMatchObject({ code: "CORRUPT" });
    expect(await readFile(target, "utf8")).toBe("what was there before");
    expect(await readdir(join(target, ".."))).toEqual(["a.tar"]);
  }
  expect(await readdir(join(directory, ".ocistore/sessions"))).toEqual([]);
});

test("an archive is durable before it has its name, and so is the name before anybody is told", async () => {
  const { store } = await emptyStore();
  await furnished(store);
  const directory = await temporaryDirectory();
  const fs = faultyFileSystem(nodeFileSystem());
  await writeArchive(store, join(directory, "a.tar"), { fs });
  const made = fs.calls.map(({ name, path }) => `${name}${path === directory ? " of the directory" : ""}`);
  expect(made.slice(made.lastIndexOf("write") + 1)).toEqual([
    "sync",
    "close",
    "rename",
    "syncDirectory of the directory",
  ]);
});

test("while it is being read it is held: a deletion is refused, a collection takes nothing", async () => {
  const { store, directory } = await emptyStore();
  const { multi } = await furnished(store);
  const other = await openLayout(directory);
  onTestFinished(() => other.close());
  await exportArchive(store, {}, async (archive) => {
    expect(archive.isHeld).toBe(true);
    await other.repository().untag("long");
    await expect(other.repository().delete(multi)).rejects.toMatchObject({ code: "IN_USE" });
    expect((await other.collect({ grace: 0 })).removed).toBe(0);
    for await (const _ of archive.bytes());
  });
  expect((await other.collect({ grace: 0 })).removed).toBe(2);
});

test("a store that cannot be written is read without a hold, and nothing is written there", async () => {
  const layout = await ForeignLayout.make();
  layout.list(await layout.image("app"), "app");
  await layout.writeIndex();
  const before = await snapshot(layout.directory);
  const reading = await openLayout(layout.directory, { readOnly: true });
  await exportArchive(reading, {}, async ({ isHeld }) => expect(isHeld).toBe(false));
  await expect(archiveBytes(reading, { hold: true })).rejects.toMatchObject({ code: "READ_ONLY" });
  await archiveBytes(await openLayout(layout.directory), { hold: false });
  expect(await snapshot(layout.directory)).toEqual(before);
});

test("without a hold what goes meanwhile fails the export, and no wrong archive comes of it", async () => {
  const { store, directory } = await emptyStore();
  const { single } = await furnished(store);
  const other = await openLayout(directory);
  onTestFinished(() => other.close());
  const failure = exportArchive(store, { hold: false }, async (archive) => {
    await other.repository().delete("single");
    for await (const _ of archive.bytes());
  });
  await expect(failure).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(await store.repository().find(single)).toBeUndefined();
});

test("cancelled half-way, it fails with the signal's own reason and leaves nothing behind", async () => {
  const { store, directory } = await emptyStore();
  await furnished(store);
  const controller = new AbortController();
  const reason = new Error("enough");
  const target = join(await temporaryDirectory(), "a.tar");
  const onBytes = (done: number) => done > 4096 && controller.abort(reason);
  await expect(writeArchive(store, target, { signal: controller.signal, onBytes })).rejects.toBe(reason);
  expect(await readdir(join(target, ".."))).toEqual([]);
  expect(await readdir(join(directory, ".ocistore/sessions"))).toEqual([]);
});

test("a file is replaced, a link to one followed; a device, a directory and a link to nowhere are refused", async () => {
  const { store } = await emptyStore();
  await furnished(store);
  const directory = await temporaryDirectory();
  const path = (name: string) => join(directory, name);
  await writeFile(path("file"), "");
  await symlink("file", path("link"));
  await writeArchive(store, path("link"));
  expect((await readFile(path("file"))).equals(await archiveBytes(store))).toBe(true);
  await mkdir(path("directory"));
  await symlink("nowhere", path("dangling"));
  makeFifo(path("fifo"));
  for (const name of ["directory", "dangling", "fifo"])
    await expect(writeArchive(store, path(name))).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  await expect(writeArchive(store, path("none/a.tar"))).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect((await readdir(directory)).sort()).toEqual(["dangling", "directory", "fifo", "file", "link"]);
});

test("an archive of an empty store is an empty store", async () => {
  const { store } = await emptyStore();
  expect(await contentOf(await archived(store))).toEqual({ tags: {}, roots: [], blobs: [] });
});

test("the claims of a long export are renewed", async () => {
  let now = 1_764_000_000_000;
  const env = {
    now: () => now,
    random: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
    sleep: async () => {},
  };
  const directory = join(await temporaryDirectory(), "store");
  const store = await openLayout(directory, { create: true, env });
  await store.repository().session((session: Session) => putImage(session, "app", { tag: "app" }));
  const other = await openLayout(directory, { env });
  await exportArchive(store, {}, async (archive) => {
    await other.repository().untag("app");
    for await (const _ of archive.bytes()) {
      now += 50 * 60_000;
      expect((await other.collect({ grace: 0 })).removed).toBe(0);
    }
  });
  expect((await other.collect({ grace: 0 })).removed).toBe(3);
});
