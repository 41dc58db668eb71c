import { mkdtemp, readdir, readFile, rename, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeFileSystem, type OpenLayoutOptions, openLayout } from "@ocistore/backend-fs";
import { type Digest, digestOf, type Environment, packManifest, type Store, systemEnvironment } from "@ocistore/core";
import { expect, onTestFinished, test } from "vitest";
import { bytes } from "../../../packages/backend-fs/test/support/bytes.ts";
import { errorsOf, tagsOf } from "../../../packages/backend-fs/test/support/content.ts";
import { faultyFileSystem } from "../../../packages/backend-fs/test/support/faulty-file-system.ts";

const DAY = 24 * 60 * 60_000;
const CONTENT = "bytes that are pushed";
const DIGEST = digestOf(bytes(CONTENT));

/** A real directory, behind a file system that fails as told. */
async function place(o: OpenLayoutOptions = {}) {
  const base = await mkdtemp(join(tmpdir(), "ocistore-faults-"));
  onTestFinished(() => rm(base, { recursive: true, force: true }));
  const directory = join(base, "layout");
  const faulty = faultyFileSystem(nodeFileSystem());
  const open = async () => {
    const store = await openLayout(directory, { create: true, fs: faulty, ...o });
    onTestFinished(() => store.close());
    return store;
  };
  const blob = (digest: string) => join(directory, "blobs", digest.replace(":", "/"));
  const store = await open();
  const tagged = await image(store, "v1");
  return { base, directory, faulty, open, store, blob, tagged };
}

async function image(store: Store, tag: string): Promise<{ manifest: Digest; layer: Digest }> {
  return store.repository().session(async (session) => {
    const layer = await session.putBlob(bytes(`the layer of ${tag}`));
    const packed = packManifest({ artifactType: "test/faults", layers: [layer] });
    return { manifest: (await session.putManifest(packed, { tags: [tag] })).digest, layer: layer.digest };
  });
}

const put = (store: Store, content = CONTENT) =>
  store.repository().session((session) => session.putBlob(bytes(content)));

/** Changes one bit of a file in place. */
async function flip(path: string): Promise<void> {
  const content = await readFile(path);
  content[content.length >> 1]! ^= 1;
  await writeFile(path, content);
}

test.each(["ENOSPC", "EMLINK", "ENOTDIR", "EDQUOT"])(
  "F5: %s where a directory is to be made names the directory",
  async (code) => {
    const { faulty, store, directory } = await place();
    const path = join(directory, "blobs/sha512");
    const push = () =>
      store
        .repository()
        .session((session) => session.putBlob({ stream: bytes(CONTENT), digest: digestOf(bytes(CONTENT), "sha512") }));
    faulty.arm({ at: ({ name, path: at }) => name === "mkdir" && at === path, code });
    await expect(push()).rejects.toMatchObject({ cause: { code }, data: { path: expect.stringContaining(path) } });
    await push();
    expect(await errorsOf(store)).toEqual([]);
  },
);

test("F6, F7: after a sync that failed the bytes are believed no more: the file goes, and the next push reads its source again", async () => {
  const { faulty, store, directory, blob } = await place();
  for (const code of ["EIO", "ENOSPC"]) {
    faulty.arm({ at: ({ name, path }) => name === "sync" && path.includes("/uploads/"), code });
    let read = 0;
    const source = () => {
      read += 1;
      return (async function* () {
        yield bytes(CONTENT);
      })();
    };
    const push = () =>
      store.repository().session((session) => session.putBlob({ stream: source, digest: DIGEST }, { resume: true }));
    await expect(push()).rejects.toMatchObject({ cause: { code } });
    expect(faulty.calls.filter(({ name, path }) => name === "sync" && path.includes("/uploads/"))).toHaveLength(1);
    expect(await readdir(join(directory, ".ocistore/uploads"))).toEqual([]);
    await push();
    expect(read).toBe(2);
    expect(await readFile(blob(DIGEST), "utf8")).toBe(CONTENT);
    await store.repository().session(async () => {});
    const plan = await store.planDeleteBlob(DIGEST);
    await store.apply(plan);
  }
});

test("F8: a sync of the directory that failed is an error though the blob has its name, and the next push syncs before it says done", async () => {
  const { faulty, store, directory, blob } = await place();
  const isSync = ({ name, path }: { name: string; path: string }) =>
    name === "syncDirectory" && path === join(directory, "blobs/sha256");
  faulty.arm({ at: isSync, code: "EIO" });
  await expect(put(store)).rejects.toMatchObject({ code: "UNAVAILABLE", cause: { code: "EIO" } });
  expect(await readFile(blob(DIGEST), "utf8")).toBe(CONTENT);
  await put(store);
  expect(faulty.calls.filter(isSync).length).toBeGreaterThan(1);
});

test("F8: the same for index.json: the tag is not acknowledged, and setting it again syncs again", async () => {
  const { faulty, store, directory } = await place();
  const isSync = ({ name, path }: { name: string; path: string }) => name === "syncDirectory" && path === directory;
  faulty.arm({ at: isSync, code: "EIO" });
  await expect(store.repository().tag("v1", "v2")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  faulty.arm();
  await store.repository().tag("v1", "v2");
  expect(faulty.calls.some(isSync)).toBe(true);
});

test("F9: a read that fails in the middle is an error after the bytes that came, and never an end; a short one is read on", async () => {
  const { faulty, store, tagged } = await place();
  const { layer } = tagged;
  for (const code of ["EIO", "ESTALE"]) {
    faulty.arm({ at: ({ name, path }) => name === "read" && path.endsWith(layer.slice(7)), code });
    await expect(store.repository().bytes(layer)).rejects.toMatchObject({ code: "UNAVAILABLE", cause: { code } });
    faulty.arm({ at: ({ name, path }) => name === "read" && path.endsWith(layer.slice(7)), code, always: true });
    expect(await errorsOf(store)).toEqual([expect.stringContaining(layer)]);
  }
  faulty.arm({ at: ({ name }) => name === "read", code: "SHORT", always: true });
  expect(Buffer.from(await store.repository().bytes(layer)).toString()).toBe("the layer of v1");
  faulty.arm();
  expect(faulty.openHandles).toBe(0);
});

test("F10: a manifest that cannot be read while a collection marks: nothing is erased", async () => {
  const { faulty, store, tagged, blob } = await place();
  await put(store);
  const { manifest } = tagged;
  for (const name of ["lstat", "open", "read"] as const) {
    faulty.arm({ at: (call) => call.name === name && call.path === blob(manifest), code: "EIO", always: true });
    const another = await openLayout(join(blob(manifest), "../../.."), { fs: faulty });
    const erased = await another.collect({ grace: 0 }).then(
      ({ removed, condemned }) => removed + condemned,
      (error) => error.code,
    );
    expect([0, "UNAVAILABLE"]).toContain(erased);
    expect(await readFile(blob(DIGEST), "utf8")).toBe(CONTENT);
  }
  faulty.arm();
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 1 });
});

test.each(["EIO", "EACCES"])(
  "F11: %s where a blob is erased is reported, the others go, and the next collection takes it",
  async (code) => {
    const { faulty, store } = await place();
    const kept = (await put(store, "one")).digest;
    await put(store, "two");
    const isErased = ({ name, path }: { name: string; path: string }) =>
      name === "unlink" && path.includes("/trash/") && path.includes(kept.slice(7));
    faulty.arm({ at: isErased, code, always: true });
    const erased = { cause: { code }, data: { path: expect.stringContaining(kept.slice(7)) } };
    await expect(store.collect({ grace: 0 })).rejects.toMatchObject(erased);
    const waiting = [];
    for await (const { digest } of store.condemned()) waiting.push(digest);
    expect(waiting).toEqual([kept]);
    faulty.arm();
    expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 1 });
    for await (const each of store.condemned()) expect.unreachable(each.digest);
  },
);

test("F14: uploads and blobs on two file systems (EXDEV): the push fails, whole, and nothing is copied instead", async () => {
  const { faulty, store, directory } = await place();
  faulty.arm({ at: ({ name, path }) => name === "rename" && path.includes("/uploads/"), code: "EXDEV", always: true });
  await expect(put(store)).rejects.toMatchObject({ code: "UNAVAILABLE", cause: { code: "EXDEV" } });
  faulty.arm();
  expect(await readdir(join(directory, ".ocistore/uploads"))).toEqual([]);
  expect(await errorsOf(store)).toEqual([]);
  await put(store);
});

test("F15: a layout that is removed while it is open is an error for all, and is not made again", async () => {
  const { store, base, directory } = await place();
  await rm(directory, { recursive: true });
  const repository = store.repository();
  const requests = [
    () => put(store),
    () => tagsOf(repository),
    () => repository.manifest("v1"),
    () => repository.tag("v1", "v2"),
    () => repository.untag("v1"),
    () => repository.delete("v1"),
    () => store.collect(),
    () => store.undo(),
    () => errorsOf(store),
    () => openLayout(directory),
  ];
  for (const request of requests) {
    await expect(request(), String(request)).rejects.toMatchObject({
      code: "LAYOUT_INVALID",
      data: { path: expect.stringContaining(directory) },
    });
  }
  expect(await readdir(base)).toEqual([]);
});

test("F15: one that is moved away and comes back goes on where it was", async () => {
  const { store, base, directory } = await place();
  await rename(directory, join(base, "elsewhere"));
  await expect(put(store)).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  await rename(join(base, "elsewhere"), directory);
  await put(store);
  expect(await errorsOf(store)).toEqual([]);
});

const TORN: readonly (readonly [string, (bytes: Buffer) => Buffer])[] = [
  ["a beginning", (content) => content.subarray(0, content.length - 30)],
  ["nothing", () => Buffer.alloc(0)],
  ["zeros", (content) => Buffer.alloc(content.length)],
  ["half old, half new", (content) => Buffer.concat([content.subarray(0, content.length >> 1), content])],
];

test.each(TORN)(
  "F20: an index.json that is torn (%s) is no empty store: nothing is read, written or collected, and a repair finds all again",
  async (_, tear) => {
    const { store, open, directory, tagged, blob } = await place();
    const index = join(directory, "index.json");
    await writeFile(index, tear(await readFile(index)));
    for (const each of [store, await open()]) {
      const requests = [
        () => tagsOf(each.repository()),
        () => put(each),
        () => each.repository().untag("v1"),
        () => each.collect({ grace: 0 }),
      ];
      for (const request of requests)
        await expect(request(), String(request)).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
    }
    const findings = [];
    for await (const finding of store.check({ repair: true })) findings.push(finding);
    expect(findings.some(({ repaired }) => repaired !== undefined)).toBe(true);
    await store.collect({ grace: 0 });
    for (const digest of [tagged.manifest, tagged.layer]) await readFile(blob(digest));
    expect((await store.repository().manifest(tagged.manifest)).layers).toHaveLength(1);
  },
);

test("F21: a bit that flips in a blob is noticed by who reads it and by fsck, is no absence, and is mended by a push", async () => {
  const { store, tagged, blob } = await place();
  const { layer, manifest } = tagged;
  await flip(blob(layer));
  await expect(store.repository().bytes(layer)).rejects.toMatchObject({ code: "CORRUPT", data: { digest: layer } });
  expect(await errorsOf(store)).toEqual([expect.stringContaining(`corrupt ${layer}`)]);
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 0 });
  await store.repository().session((session) => session.putBlob(bytes("the layer of v1")));
  expect(await errorsOf(store)).toEqual([]);
  expect((await store.repository().manifest(manifest)).layers[0]!.digest).toBe(layer);
});

test("F22: a bit that flips in a manifest: reading it is an error, and no collection takes anything", async () => {
  const { store, open, tagged, blob } = await place();
  await put(store);
  await flip(blob(tagged.manifest));
  for (const each of [store, await open()]) {
    await expect(each.repository().manifest("v1")).rejects.toMatchObject({ code: "CORRUPT" });
    expect(await each.collect({ grace: 0 })).toMatchObject({ removed: 0, condemned: 0 });
  }
  expect(await readFile(blob(tagged.layer), "utf8")).toBe("the layer of v1");
});

test.each(["shorter", "longer"])(
  "F23: a blob whose file is %s than its descriptor says is never given out as whole",
  async (how) => {
    const { store, tagged, blob } = await place();
    const path = blob(tagged.layer);
    if (how === "shorter") await truncate(path, 5);
    else await writeFile(path, "the layer of v1, and more");
    await expect(store.repository().bytes(tagged.layer)).rejects.toMatchObject({ code: "CORRUPT" });
    const errors = await errorsOf(store);
    expect(errors).toContainEqual(expect.stringContaining(`size ${tagged.layer}`));
    expect(errors).toContainEqual(expect.stringContaining(`corrupt ${tagged.layer}`));
  },
);

test("F24: whatever the clock does, nothing young is collected, and a time in the future passes", async () => {
  let now = Date.now();
  const env: Environment = { ...systemEnvironment, now: () => now };
  const { store, blob } = await place({ env });
  const { digest } = await put(store);
  const isThere = () =>
    readFile(blob(digest)).then(
      () => true,
      () => false,
    );
  now -= DAY;
  await store.collect();
  expect(await isThere()).toBe(true);
  now += DAY;
  await utimes(blob(digest), (now + 30 * DAY) / 1000, (now + 30 * DAY) / 1000);
  await store.collect();
  expect(await isThere()).toBe(true);
  // Dated in the future it counts as new, and no grace is no question of age.
  now += DAY;
  await store.collect({ grace: 0 });
  expect(await isThere()).toBe(false);
});
