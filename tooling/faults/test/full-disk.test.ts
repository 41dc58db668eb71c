import { open, readFile, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { openLayout } from "@ocistore/backend-fs";
import { isOciStoreError, packManifest, type Store } from "@ocistore/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { errorsOf, tagsOf } from "../../../packages/backend-fs/test/support/content.ts";
import { CAN_MOUNT, ext4, tmpfs } from "../src/mounts.ts";

const KIB = 1024;

/** Fills the file system to the last byte. */
async function fill(directory: string): Promise<string> {
  const path = join(directory, "ballast");
  const handle = await open(path, "w");
  try {
    for (const size of [64 * KIB, 4 * KIB, 512, 1]) {
      await expect(writeUntilItFails(handle, new Uint8Array(size).fill(1))).rejects.toMatchObject({ code: "ENOSPC" });
    }
  } finally {
    await handle.close();
  }
  expect((await statfs(directory)).bavail).toBe(0);
  return path;
}

async function writeUntilItFails(handle: Awaited<ReturnType<typeof open>>, piece: Uint8Array): Promise<never> {
  for (;;) await handle.write(piece);
}

let made = 0;

async function push(store: Store, tag: string): Promise<void> {
  await store.repository().session(async (session) => {
    const layers = [await session.putBlob(new Uint8Array(40 * KIB).fill(++made))];
    await session.putManifest(packManifest({ artifactType: "test/full", layers }), { tags: [tag] });
  });
}

// Only root may mount. The same faults come from a file system in memory in the matrix, for everybody.
describe.runIf(CAN_MOUNT).each([
  ["tmpfs", () => tmpfs(1024 * KIB)],
  ["ext4", () => ext4(2 * 1024 * KIB)],
] as const)("a disk that is really full (%s)", (_, disk) => {
  async function place() {
    const mount = await disk();
    const directory = join(mount, "layout");
    const again = async () => {
      const store = await openLayout(directory, { create: true });
      onTestFinished(() => store.close());
      return store;
    };
    return { mount, directory, again, store: await again() };
  }

  test("F1, F2: pushes go on until it is full; what was acknowledged is whole, and the failed push works once there is space", async () => {
    const { store, again } = await place();
    const acknowledged: string[] = [];
    let error: unknown;
    while (error === undefined && acknowledged.length < 100) {
      const tag = `t${acknowledged.length}`;
      error = await push(store, tag).then(
        () => void acknowledged.push(tag),
        (caught) => caught,
      );
    }
    expect(isOciStoreError(error, "NO_SPACE"), String(error)).toBe(true);
    expect(acknowledged.length).toBeGreaterThan(3);
    for (const each of [store, await again()]) {
      expect(Object.keys(await tagsOf(each.repository())).sort()).toEqual([...acknowledged].sort());
      expect(await errorsOf(each)).toEqual([]);
    }
    await store.repository().delete(acknowledged.slice(0, 3));
    await push(store, "after");
    const uploads = [];
    for await (const upload of store.uploads()) uploads.push(upload);
    expect(uploads).toEqual([]);
  });

  test("F3: what cannot be written leaves index.json as it was, to the byte", async () => {
    const { mount, directory, store } = await place();
    await push(store, "first");
    await push(store, "second");
    const ballast = await fill(mount);
    const before = await readFile(join(directory, "index.json"));
    const { digest } = await store.repository().resolve("first");
    await expect(store.repository().tag(digest, "x".repeat(100))).rejects.toMatchObject({ code: "NO_SPACE" });
    await expect(push(store, "third")).rejects.toMatchObject({ code: "NO_SPACE" });
    expect(await readFile(join(directory, "index.json"))).toEqual(before);
    expect(await errorsOf(store)).toEqual([]);
    await rm(ballast);
    await store.repository().tag(digest, "x".repeat(100));
  });

  test("F4: a full disk is emptied by deleting, and by collecting", async () => {
    const { mount, store, again } = await place();
    for (const tag of ["first", "second", "third"]) await push(store, tag);
    await fill(mount);
    await store.repository().delete("first");
    expect((await statfs(mount)).bavail).toBeGreaterThan(0);
    // The space that was kept is spent, and whoever stores something keeps it anew.
    await rm(join(mount, "ballast"));
    await push(store, "fourth");
    await fill(mount);
    const another = await again();
    await another.repository().untag("second");
    const { bytes } = await another.collect({ grace: 0 });
    expect(bytes).toBeGreaterThan(40 * KIB);
    expect(await errorsOf(another)).toEqual([]);
    expect(Object.keys(await tagsOf(another.repository()))).toEqual(["fourth", "third"]);
  });
});
