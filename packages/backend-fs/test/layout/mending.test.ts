import { appendFile, copyFile, mkdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Descriptor, type Digest, digestOf, type Policy, packManifest } from "@ocistore/core";
import { expect, onTestFinished, test } from "vitest";
import { type FileStat, nodeFileSystem, type OpenLayoutOptions, openLayout } from "../../src/index.ts";
import { bytes } from "../support/bytes.ts";
import { faultyFileSystem } from "../support/faulty-file-system.ts";
import { ForeignLayout, IMAGE, temporaryDirectory } from "../support/foreign-layout.ts";

const WINDOW: Policy = { grace: 0, window: 3_600_000, wait: 0 };
const UNTIL = () => Date.now() + 3_600_000;

async function place(policy?: Policy) {
  const directory = join(await temporaryDirectory(), "layout");
  const open = async (o: OpenLayoutOptions = {}) => {
    const store = await openLayout(directory, { create: true, policy, ...o });
    onTestFinished(() => store.close());
    return { store, repository: store.repository() };
  };
  const blob = (digest: string) => join(directory, "blobs", ...digest.split(":"));
  return { directory, open, blob, ...(await open()) };
}

type Place = Awaited<ReturnType<typeof place>>;

function image({ repository }: Pick<Place, "repository">, name: string, tag = name) {
  return repository.session(async (session) => {
    const layer = await session.putBlob(bytes(`layer of ${name}`));
    const packed = packManifest({ artifactType: "application/vnd.x", layers: [layer] });
    return { layer, packed, manifest: await session.putManifest(packed, { tags: [tag] }) };
  });
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

test("a damaged manifest is mended by pushing it again", async () => {
  const at = await place();
  const { manifest, packed } = await image(at, "a");
  const damaged = Buffer.from(packed.bytes);
  damaged[10]! ^= 1;
  await writeFile(at.blob(manifest.digest), damaged);
  const { repository } = await at.open();
  await expect(repository.manifest("a")).rejects.toMatchObject({ code: "CORRUPT" });
  await repository.session((session) => session.putManifest(packed, { tags: ["a"] }));
  expect((await repository.manifest("a")).bytes).toEqual(packed.bytes);
  expect((await (await at.open()).repository.manifest("a")).layers).toHaveLength(1);
});

test.each(["truncated", "of the right size"])("a damaged layer, %s, is mended by pushing it again", async (how) => {
  const at = await place();
  const { layer } = await image(at, "a");
  if (how === "truncated") await truncate(at.blob(layer.digest), 3);
  else await writeFile(at.blob(layer.digest), "lAyer of a");
  const { repository } = await at.open();
  await expect(repository.bytes(layer)).rejects.toMatchObject({ code: "CORRUPT" });
  expect(await repository.session((session) => session.putBlob(bytes("layer of a")))).toMatchObject({ size: 10 });
  expect(await repository.bytes(layer)).toEqual(bytes("layer of a"));
});

test.each(["of wrong size", "truncated"])("a manifest is not recorded over a layer that is %s", async (how) => {
  const at = await place();
  const index = () => readFile(join(at.directory, "index.json"), "utf8");
  const layer = await at.repository.session((session) => session.putBlob(bytes("a layer")));
  if (how === "truncated") await truncate(at.blob(layer.digest), 3);
  const named: Descriptor = how === "truncated" ? layer : { ...layer, size: layer.size + 1 };
  const before = await index();
  const packed = packManifest({ artifactType: "application/vnd.x", layers: [named] });
  const putting = at.repository.session((session) => session.putManifest(packed, { tags: ["v1"] }));
  await expect(putting).rejects.toMatchObject({ code: "SIZE_MISMATCH", data: { digest: layer.digest } });
  expect(await index()).toBe(before);
  expect(await at.repository.find("v1")).toBeUndefined();
});

test("what another tool puts back while our copy lies in the trash is found at once", async () => {
  const layout = await ForeignLayout.make();
  const manifest = await layout.image("a");
  layout.list(manifest, "v1");
  await layout.writeIndex();
  const [copies, names] = [join(layout.directory, "../copies"), [...(await layout.blobs())]];
  await mkdir(copies);
  for (const digest of names) await copyFile(layout.path(digest), join(copies, digest));
  const store = await openLayout(layout.directory);
  onTestFinished(() => store.close());
  const repository = store.repository();
  await repository.delete("v1", { window: 3_600_000 });
  expect(await layout.blobs()).toEqual(new Set());
  for (const digest of names) await copyFile(join(copies, digest), layout.path(digest));
  await layout.writeIndex();

  expect(await repository.resolve("v1")).toMatchObject({ digest: manifest.digest, mediaType: IMAGE });
  expect(await repository.find(manifest.digest)).toMatchObject({ digest: manifest.digest });
  expect((await repository.manifest("v1")).layers).toHaveLength(1);
  expect(digestOf(await repository.bytes(manifest.digest))).toBe(manifest.digest);
  expect(await repository.successors("v1")).toHaveLength(2);
  await repository.tag("v1", "v2");
  await store.collect({ grace: 0 });
  expect(await layout.blobs()).toEqual(new Set(names));
});

test("verified bytes that were just pushed stay, and not the damaged copy of them in the trash", async () => {
  const at = await place(WINDOW);
  const { layer } = await image(at, "a");
  const { run } = await at.repository.delete("a");
  const encoded = layer.digest.slice("sha256:".length);
  await writeFile(join(at.directory, ".ocistore/trash", run, `sha256-${encoded}.${layer.size}.blob`), "lAyer of a");
  const content = bytes("layer of a");
  await at.repository.session((session) =>
    session.putBlob(
      (async function* () {
        yield content;
      })(),
    ),
  );
  expect(await at.repository.bytes(layer)).toEqual(content);
  await at.store.collect({ grace: 3_600_000 });
  expect(await (await at.open()).repository.bytes(layer)).toEqual(content);
});

test("the whole copy in the trash comes back over what another tool has left half-written", async () => {
  const at = await place(WINDOW);
  const { layer } = await image(at, "a");
  await at.repository.delete("a");
  await writeFile(at.blob(layer.digest), "lay");
  await at.store.undo();
  expect(await at.repository.bytes(layer)).toEqual(bytes("layer of a"));
});

/** A disk on which nothing tells one file under `sessions/` from another but what is in it. */
function looksAlike(inner = nodeFileSystem()) {
  const alike = (stat: FileStat): FileStat => ({ ...stat, identity: "1:1", modified: 1 });
  const fs: typeof inner = {
    ...inner,
    lstat: async (path) => {
      const found = await inner.lstat(path);
      return found && path.includes("/sessions/") ? alike(found) : found;
    },
    open: async (path, flags, mode) => {
      const handle = await inner.open(path, flags, mode);
      return path.includes("/sessions/") ? { ...handle, stat: async () => alike(await handle.stat()) } : handle;
    },
  };
  return fs;
}

test("a session that is made anew under the same name is read anew", async () => {
  const at = await place();
  const collector = await at.open({ fs: looksAlike() });
  const blobs = [];
  for (const name of ["first", "other"]) {
    blobs.push(await at.repository.session((session) => session.putBlob(bytes(name))));
  }
  const [first, other] = blobs as [Descriptor, Descriptor];
  const job = at.repository.openSession("job");
  await job.has([first.digest]);
  // Now the collector has read it.
  expect(await collector.store.collect({ grace: 0 })).toMatchObject({ removed: 1 });
  await job.end();
  const layer = await at.repository.session((session) => session.putBlob(bytes("other")));
  expect(layer.digest).toBe(other.digest);
  await at.repository.openSession("job").has([other.digest]);
  await collector.store.collect({ grace: 0 });
  expect([await isThere(at.blob(first.digest)), await isThere(at.blob(other.digest))]).toEqual([false, true]);
});

test.each([
  ["a word", "hol"],
  ["half a digest", "hold sha256:0123"],
  ["half a time", "until 17640"],
])("a torn last line, %s, does not swallow the next claim, nor any before it", async (_, torn) => {
  const at = await place();
  const { catalog } = at.store.parts;
  const put = (name: string) => at.repository.session((session) => session.putBlob(bytes(name)));
  const [one, two, unclaimed] = [await put("one"), await put("two"), await put("unclaimed")];
  const until = UNTIL();
  await catalog.claim("job", "", [one.digest], { until });
  await appendFile(join(at.directory, ".ocistore/sessions/job"), torn);
  const { store } = await at.open();
  // To the same time: a line of its own for that would end the torn one.
  expect([...(await store.parts.catalog.claim("job", "", [two.digest], { until })).keys()]).toEqual([two.digest]);
  for (const each of [await at.open(), at]) await each.store.collect({ grace: 0 });
  const left = [];
  for (const { digest } of [one, two, unclaimed]) left.push(await isThere(at.blob(digest)));
  expect(left).toEqual([true, true, false]);
});

/** As for a user who may write to the store, but not set the times of what others have put there. */
function noTimes() {
  const fs = faultyFileSystem(nodeFileSystem());
  const isTouch = ({ name, path }: { readonly name: string; readonly path: string }) =>
    name === "touch" && path.includes("/blobs/");
  return { fs, arm: () => fs.arm({ at: isTouch, code: "EPERM", always: true }) };
}

test("the grace of what was untagged counts although the time of its file cannot be set", async () => {
  const layout = await ForeignLayout.make();
  layout.list(await layout.image("a"), "v1");
  await layout.writeIndex();
  await layout.age();
  const before = await layout.blobs();
  const { fs, arm } = noTimes();
  const store = await openLayout(layout.directory, { fs });
  onTestFinished(() => store.close());
  arm();
  await store.repository().untag("v1");
  expect(fs.calls.filter(({ name }) => name === "touch")).not.toEqual([]);
  const another = await openLayout(layout.directory);
  onTestFinished(() => another.close());
  expect(await another.collect()).toMatchObject({ removed: 0, condemned: 0 });
  expect(await layout.blobs()).toEqual(before);
  expect(await another.collect({ grace: 0 })).toMatchObject({ removed: 3 });
});

test("claims hold although the times of the files cannot be set", async () => {
  const at = await place();
  const layer = await at.repository.session((session) => session.putBlob(bytes("a layer")));
  const { fs, arm } = noTimes();
  const { repository } = await at.open({ fs });
  arm();
  const session = repository.openSession("job");
  expect(await session.has([layer.digest])).toEqual(new Set([layer.digest]));
  await at.store.collect({ grace: 0 });
  await session.putManifest(packManifest({ artifactType: "application/vnd.x", layers: [layer] }), { tags: ["v1"] });
  await session.end();
  await at.store.collect({ grace: 0 });
  expect(await repository.bytes(layer)).toEqual(bytes("a layer"));
});

test("a store that was opened for reading erases nothing, not even below the library", async () => {
  const at = await place();
  const { manifest } = await image(at, "a");
  const { store } = await at.open({ readOnly: true });
  const located = await store.parts.catalog.locate("", manifest.digest as Digest);
  const erasing = (async () => {
    for await (const _ of store.parts.blobs.delete([located!])) expect.unreachable("it was opened for reading");
  })();
  await expect(erasing).rejects.toMatchObject({ code: "READ_ONLY" });
  expect(await isThere(at.blob(manifest.digest))).toBe(true);
});
