import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat, symlink, unlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestOf, type Store, type Upload } from "@ocistore/core";
import { expect, onTestFinished, test } from "vitest";
import { nodeFileSystem, type OpenLayoutOptions, openLayout } from "../../src/index.ts";
import { bytes } from "../support/bytes.ts";
import { faultyFileSystem } from "../support/faulty-file-system.ts";
import { temporaryDirectory } from "../support/foreign-layout.ts";

async function place() {
  const directory = join(await temporaryDirectory(), "layout");
  const open = async (o: OpenLayoutOptions = {}) => {
    const store = await openLayout(directory, { create: true, ...o });
    onTestFinished(() => store.close());
    return store;
  };
  const upload = (id: string) => join(directory, ".ocistore/uploads", id);
  const blob = (digest: Digest) => join(directory, "blobs", ...digest.split(":"));
  return { directory, open, upload, blob };
}

async function* of(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    yield bytes(text);
  }
}

async function committed(store: Store, upload: Upload, content: string): Promise<Digest> {
  const placement = await upload.commit(digestOf(bytes(content)));
  const arrival = { placement, publish: () => upload.publish() };
  await store.parts.catalog.add("owner", "", [arrival], { until: Date.now() + 60_000 });
  return placement.digest;
}

/** The blobs whose bytes are not of their digest. */
async function wrong(directory: string): Promise<string[]> {
  const algorithm = join(directory, "blobs/sha256");
  const names = await readdir(algorithm).catch(() => []);
  const found: string[] = [];
  for (const name of names) {
    const content = await readFile(join(algorithm, name));
    if (createHash("sha256").update(content).digest("hex") !== name) found.push(`${name}: ${content}`);
  }
  return found;
}

test.each(["the first", "the second"])(
  "two write at one offset, %s commits first: what was acknowledged is stored, and nothing else",
  async (who) => {
    for (let round = 0; round < 8; round++) {
      const { directory, open } = await place();
      const [a, b] = [await open(), await open()];
      const first = await a.parts.blobs.upload("u", { create: true });
      await first.write(of("AAAA"), { at: 0 });
      const second = await b.parts.blobs.upload("u");
      await first.write(of("aaaa"), { at: 4 });
      await expect(second.write(of("BBBB"), { at: 4 })).rejects.toMatchObject({ code: "CONFLICT" });
      const attempts = [() => committed(a, first, "AAAAaaaa"), () => committed(b, second, "AAAABBBB")];
      if (who === "the second") attempts.reverse();
      const results = [];
      for (const attempt of attempts) results.push((await Promise.allSettled([attempt()]))[0]?.status);
      expect(await wrong(directory)).toEqual([]);
      // One who finds that others have written takes nothing of theirs away.
      expect(results).toEqual(who === "the first" ? ["fulfilled", "rejected"] : ["rejected", "fulfilled"]);
    }
  },
);

test.each(["who began it", "who resumed it"])(
  "two write at once, %s comes first: nothing wrong is stored",
  async (who) => {
    for (let round = 0; round < 8; round++) {
      const { directory, open } = await place();
      const [a, b] = [await open(), await open()];
      const first = await a.parts.blobs.upload("u", { create: true });
      await first.write(of("0000"), { at: 0 });
      const second = await b.parts.blobs.upload("u");
      const writes = [
        () => first.write(of("AAAA", "AAAA"), { at: 4 }),
        () => second.write(of("BBBB", "BBBB"), { at: 4 }),
      ];
      if (who === "who resumed it") writes.reverse();
      await Promise.allSettled(writes.map((write) => write()));
      await Promise.allSettled([committed(a, first, "0000AAAAAAAA"), committed(b, second, "0000BBBBBBBB")]);
      expect(await wrong(directory)).toEqual([]);
    }
  },
);

test("of an upload that another process has written over since, the bytes are looked at again", async () => {
  const { directory, open, upload } = await place();
  const store = await open();
  const mine = await store.parts.blobs.upload("u", { create: true });
  await mine.write(of("AAAA"), { at: 0 });
  await writeFile(upload("u"), "BBBB");
  // The kernel's clock for the times of files is coarse.
  await utimes(upload("u"), 1, 1);
  await expect(committed(store, mine, "AAAA")).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  expect(await wrong(directory)).toEqual([]);
});

test("a second writer in the same process is told so", async () => {
  const { open } = await place();
  const store = await open();
  const another = await open();
  const first = await store.parts.blobs.upload("u", { create: true });
  const second = await another.parts.blobs.upload("u");
  const writing = first.write(of("a", "b"), { at: 0 });
  await expect(second.write(of("c"), { at: 0 })).rejects.toMatchObject({ code: "LOCKED" });
  expect(await writing).toBe(2);
});

test("a second writer is told so in the middle of the first one's bytes too, and until what is committed has its name", async () => {
  const { open, blob } = await place();
  const store = await open();
  const another = await open();
  const first = await store.parts.blobs.upload("u", { create: true });
  const second = await another.parts.blobs.upload("u");
  const locked = { code: "LOCKED", data: { holders: ["this process"] } };
  async function* bytes() {
    yield* of("a");
    await expect(second.write(of("c"), { at: 0 })).rejects.toMatchObject(locked);
    yield* of("b");
  }
  expect(await first.write(bytes(), { at: 0 })).toBe(2);
  const { digest } = await first.commit(undefined);
  await expect((await another.parts.blobs.upload("u")).write(of("c"), { at: 2 })).rejects.toMatchObject(locked);
  await first.publish();
  expect(await readFile(blob(digest), "utf8")).toBe("ab");
});

test("after a write that failed half-way, exactly what was acknowledged is stored", async () => {
  const { directory, open, blob } = await place();
  await open();
  const fs = faultyFileSystem(nodeFileSystem(), { shortWrites: 3 });
  const store = await open({ fs });
  const upload = await store.parts.blobs.upload("u", { create: true });
  await upload.write(of("good"), { at: 0 });
  let writes = 0;
  fs.arm({ at: ({ name, path }) => name === "write" && path.includes("/uploads/") && ++writes === 2, code: "ENOSPC" });
  await expect(upload.write(of("more"), { at: 4 })).rejects.toMatchObject({ code: "NO_SPACE" });
  expect(upload.offset).toBe(4);
  expect(await readFile(join(directory, ".ocistore/uploads/u"), "utf8")).toBe("goodmor");
  const digest = await committed(store, upload, "good");
  expect(await readFile(blob(digest), "utf8")).toBe("good");
  expect(await store.parts.catalog.locate("", digest)).toMatchObject({ size: 4 });
});

test("after a write that failed half-way, going on from what was acknowledged stores it all", async () => {
  const { open, blob } = await place();
  await open();
  const fs = faultyFileSystem(nodeFileSystem(), { shortWrites: 3 });
  const store = await open({ fs });
  const upload = await store.parts.blobs.upload("u", { create: true });
  let writes = 0;
  fs.arm({ at: ({ name, path }) => name === "write" && path.includes("/uploads/") && ++writes === 2, code: "ENOSPC" });
  await expect(upload.write(of("lots of bytes"), { at: 0 })).rejects.toMatchObject({ code: "NO_SPACE" });
  await upload.write(of("few"), { at: upload.offset });
  expect(await readFile(blob(await committed(store, upload, "few")), "utf8")).toBe("few");
});

test("an upload that is gone is unknown: to a write, to a commit, and to what publishes it", async () => {
  const { open, upload: path } = await place();
  const store = await open();
  const gone = { code: "UPLOAD_UNKNOWN" };
  const begun = async (id: string) => {
    const upload = await store.parts.blobs.upload(id, { create: true });
    await upload.write(of(id), { at: 0 });
    return upload;
  };
  const toWrite = await begun("to-write");
  await unlink(path("to-write"));
  await expect(toWrite.write(of("x"), { at: toWrite.offset })).rejects.toMatchObject(gone);
  const toCommit = await begun("to-commit");
  await unlink(path("to-commit"));
  await expect(toCommit.commit(digestOf(bytes("to-commit")))).rejects.toMatchObject(gone);
  const toPublish = await begun("to-publish");
  const placement = await toPublish.commit(undefined);
  await unlink(path("to-publish"));
  const arrival = { placement, publish: () => toPublish.publish() };
  const adding = store.parts.catalog.add("owner", "", [arrival], { until: Date.now() + 60_000 });
  await expect(adding).rejects.toMatchObject(gone);
  await expect(store.parts.blobs.upload("to-write")).rejects.toMatchObject(gone);
});

test("what is no file is no upload, and what lies beside uploads is none either", async () => {
  const { directory, open, upload } = await place();
  const store = await open();
  const mine = await store.parts.blobs.upload("u", { create: true });
  await mine.write(of("half"), { at: 0 });
  await symlink(upload("u"), upload("link"));
  await mkdir(upload("directory"));
  execFileSync("sh", ["-c", 'mkfifo "$1"', "sh", upload("fifo")]);
  await writeFile(upload(".hidden"), "x");
  await symlink(join(directory, "index.json"), upload(".link.lock"));
  const listed = [];
  for await (const { id, offset } of store.uploads()) listed.push([id, offset]);
  expect(listed).toEqual([["u", 4]]);
  for (const id of ["link", "directory", "fifo"]) {
    await expect(store.dropUpload(id)).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  }
  await expect(store.dropUpload("../index.json")).rejects.toMatchObject({ code: "REFERENCE_INVALID" });
  await mine.abort();
  expect((await readdir(join(directory, ".ocistore/uploads"))).sort()).toEqual(
    [".hidden", ".link.lock", "directory", "fifo", "link"].sort(),
  );
});

test("a disk that is full half-way: the next try goes on, with what was written", async () => {
  const { open, blob } = await place();
  await open();
  const fs = faultyFileSystem(nodeFileSystem(), { shortWrites: 3 });
  const store = await open({ fs });
  const session = store.repository().openSession("s");
  const whole = "one, two, three, four";
  const starts: number[] = [];
  const stream = (start: number) => {
    starts.push(start);
    return of(whole.slice(start, start + 5), whole.slice(start + 5));
  };
  let writes = 0;
  const isFourth = (path: string) => path.endsWith("/uploads/u") && ++writes === 4;
  fs.arm({ at: ({ name, path }) => name === "write" && isFourth(path), code: "ENOSPC" });
  await expect(session.putBlob({ stream }, { resume: "u" })).rejects.toMatchObject({ code: "NO_SPACE" });
  const { digest } = await session.putBlob({ stream }, { resume: "u" });
  expect(starts).toEqual([0, 5]);
  expect(await readFile(blob(digest), "utf8")).toBe(whole);
  expect(fs.openHandles).toBe(0);
});

test("who has let go trusts its own hash no more, though all looks as it was left", async () => {
  const { directory, open, upload } = await place();
  const [a, b] = [await open(), await open()];
  const mine = await a.parts.blobs.upload("u", { create: true });
  await mine.write(of("AAAA"), { at: 0 });
  const { mtime } = await stat(upload("u"));
  await mine.release();
  await b.dropUpload("u");
  const theirs = await b.parts.blobs.upload("u", { create: true });
  await theirs.write(of("BBBB"), { at: 0 });
  await theirs.release();
  await utimes(upload("u"), mtime, mtime);
  await expect(committed(a, mine, "AAAA")).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  expect(await wrong(directory)).toEqual([]);
});
