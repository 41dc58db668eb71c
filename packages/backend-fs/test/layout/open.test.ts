import { chmod, mkdir, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { isOciStoreError, OciStoreError } from "@ocistore/core";
import { expect, test } from "vitest";
import { initLayout, openLayout, SHARED_POLICY } from "../../src/index.ts";
import { makeFifo } from "../support/file-systems.ts";
import { ForeignLayout, snapshot, temporaryDirectory } from "../support/foreign-layout.ts";

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => "it worked",
    (caught) => caught,
  );
  return error instanceof OciStoreError ? error.code : String(error);
}

async function tagsOf(directory: string): Promise<string[]> {
  const store = await openLayout(directory, { readOnly: true });
  const names: string[] = [];
  for await (const { name } of store.repository().tags()) names.push(name);
  await store.close();
  return names;
}

test("opening writes nothing; making one leaves what every tool reads", async () => {
  const directory = join(await temporaryDirectory(), "a/b/layout");
  expect(await codeOf(openLayout(directory))).toBe("LAYOUT_INVALID");
  await (await openLayout(directory, { create: true })).close();
  const made = await snapshot(directory);
  expect(Object.keys(made)).toEqual([".ocistore", ".ocistore/store.json", "blobs", "index.json", "oci-layout"]);
  const store = await openLayout(directory, { create: true });
  await store.close();
  await store.close();
  expect(() => store.repository()).toThrow(expect.objectContaining({ code: "CLOSED" }));
  expect(await snapshot(directory)).toEqual(made);
});

test("a relative path means what it meant when it was opened", async () => {
  const layout = await ForeignLayout.make();
  layout.list(await layout.image("a"), "a");
  await layout.writeIndex();
  const store = await openLayout(relative(process.cwd(), layout.directory), { readOnly: true });
  const before = process.cwd();
  process.chdir("/");
  try {
    expect((await store.repository().resolve("a")).size).toBeGreaterThan(0);
  } finally {
    process.chdir(before);
  }
});

test("a layout is made in an empty directory only; what a crash has begun is finished", async () => {
  const directory = await temporaryDirectory();
  await writeFile(join(directory, "something"), "of somebody");
  expect(await codeOf(initLayout(directory))).toBe("LAYOUT_INVALID");
  await unlink(join(directory, "something"));
  await mkdir(join(directory, "blobs"));
  await initLayout(directory, { policy: SHARED_POLICY });
  expect(await codeOf(initLayout(directory))).toBe("ALREADY_EXISTS");
  const store = await openLayout(directory);
  expect(await store.policy()).toEqual(SHARED_POLICY);
  await store.close();
});

test.each([
  ["missing", undefined],
  ["empty", ""],
  ["without a version", "{}"],
  ["of version 1.1.0", '{"imageLayoutVersion":"1.1.0"}'],
  ["of a number", '{"imageLayoutVersion":1.0}'],
  ["too large", `{"imageLayoutVersion":"1.0.0","x":"${"x".repeat(70_000)}"}`],
])("B87 an oci-layout that is %s is refused, and nothing is written", async (_, content) => {
  const layout = await ForeignLayout.make();
  const path = join(layout.directory, "oci-layout");
  await rm(path);
  if (content !== undefined) await writeFile(path, content);
  const before = await snapshot(layout.directory);
  expect(await codeOf(openLayout(layout.directory))).toBe("LAYOUT_INVALID");
  expect(await snapshot(layout.directory)).toEqual(before);
});

test("B87 more fields in oci-layout are fine", async () => {
  const layout = await ForeignLayout.make();
  await writeFile(join(layout.directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0","x":1}');
  expect(await tagsOf(layout.directory)).toEqual([]);
});

test.each<[string, (path: string) => Promise<void>]>([
  ["missing", async () => {}],
  ["a directory", async (path) => void (await mkdir(path))],
  ["a link", (path) => symlink("oci-layout", path)],
  ["a fifo, which must not hang", async (path) => makeFifo(path)],
  ["empty", (path) => writeFile(path, "")],
  ["an array", (path) => writeFile(path, "[]")],
])("B88 an index.json that is %s is refused, never taken for an empty one", async (_, make) => {
  const layout = await ForeignLayout.make();
  const path = join(layout.directory, "index.json");
  await rm(path);
  await make(path);
  expect(await codeOf(tagsOf(layout.directory))).toBe("LAYOUT_INVALID");
  const writing = async () => (await openLayout(layout.directory)).collect({ grace: 0 });
  expect(await codeOf(writing())).toBe("LAYOUT_INVALID");
});

test.each(["blobs", "blobs/sha256", ".ocistore"])("B90, B91 %s as a link or a file is refused", async (name) => {
  const layout = await ForeignLayout.make();
  const path = join(layout.directory, name);
  await rm(path, { recursive: true, force: true });
  await symlink("/tmp", path);
  expect(await codeOf(openLayout(layout.directory))).toBe("LAYOUT_INVALID");
  await unlink(path);
  await writeFile(path, "a file");
  expect(await codeOf(openLayout(layout.directory))).toBe("LAYOUT_INVALID");
});

test("B90 a blob that is a link is no blob: not read, not followed, not erased", async () => {
  const layout = await ForeignLayout.make();
  const [image, secret] = [await layout.image("a"), join(layout.directory, "../secret")];
  layout.list(image, "a");
  await layout.writeIndex();
  await writeFile(secret, "secret");
  await unlink(layout.path(image.digest));
  await symlink(secret, layout.path(image.digest));
  const store = await openLayout(layout.directory);
  expect(await codeOf(store.repository().bytes(image.digest))).toBe("LAYOUT_INVALID");
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 0, condemned: 0 });
  await store.close();
});

test("a store of a newer ocistore is left untouched", async () => {
  const directory = join(await temporaryDirectory(), "layout");
  await initLayout(directory);
  await writeFile(join(directory, ".ocistore/store.json"), '{"format":2,"id":"x"}');
  const before = await snapshot(directory);
  expect(await codeOf(openLayout(directory))).toBe("UNSUPPORTED");
  expect(await snapshot(directory)).toEqual(before);
});

test("B92 what may not be read is a failure, and never absent", async () => {
  // Root may read anything, so that there a directory in the place of the blob has to do.
  const layout = await ForeignLayout.make();
  const image = await layout.image("a");
  layout.list(image, "a");
  await layout.writeIndex();
  if (process.getuid?.() === 0) {
    await rm(layout.path(image.digest));
    await mkdir(layout.path(image.digest));
  } else {
    await chmod(layout.path(image.digest), 0);
  }
  const store = await openLayout(layout.directory);
  const error = await store
    .repository()
    .find("a")
    .catch((caught) => caught);
  expect(isOciStoreError(error, "PERMISSION", "LAYOUT_INVALID"), String(error)).toBe(true);
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 0, condemned: 0 });
  await store.close();
});
