import { chmod, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { copy, type Digest, extendedCopy, packIndex, type Repository, type Store } from "@ocistore/core";
import { expect, onTestFinished, test } from "vitest";
import { openLayout } from "../../src/index.ts";
import { bytes } from "../support/bytes.ts";
import { errorsOf, putImage, tagsOf } from "../support/content.ts";
import { ForeignLayout, snapshot, temporaryDirectory } from "../support/foreign-layout.ts";

interface Open {
  readonly directory: string;
  readonly store: Store;
  readonly repository: Repository;
  path(digest: string): string;
}

async function opened(directory: string, o: { readonly readOnly?: boolean } = {}): Promise<Open> {
  const store = await openLayout(directory, { create: !o.readOnly, ...o });
  onTestFinished(() => store.close());
  const path = (digest: string) => join(directory, "blobs", ...digest.split(":"));
  return { directory, store, repository: store.repository(), path };
}

/** A signed index of two images, and where to copy it. */
async function furnished() {
  const directory = await temporaryDirectory();
  const [from, to] = [await opened(join(directory, "from")), await opened(join(directory, "to"))];
  const content = await from.repository.session(async (session) => {
    const shared = await session.putBlob(bytes("a shared layer"));
    const amd64 = await putImage(session, "amd64", { layers: [shared, await session.putBlob(bytes("of amd64"))] });
    const arm64 = await putImage(session, "arm64", { layers: [shared] });
    const v1 = await session.putManifest(packIndex({ manifests: [amd64, arm64] }), { tags: ["v1"] });
    const signature = await putImage(session, "signature", { subject: v1 });
    return { shared, amd64, v1, signature };
  });
  return { from, to, ...content };
}

async function damage(path: string, how: (path: string) => Promise<void>): Promise<void> {
  await chmod(path, 0o644);
  await how(path);
}

const referrersOf = async ({ repository }: Open, digest: Digest) => {
  const found: Digest[] = [];
  for await (const referrer of repository.referrers(digest)) found.push(referrer.digest);
  return found;
};

test("manifests that are there, over content that is not, are no reason to leave that out", async () => {
  const { from, to, shared, amd64, v1 } = await furnished();
  await copy(from.repository, to.repository, "v1");
  await rm(to.path(shared.digest));
  const { blobs } = await copy(from.repository, to.repository, "v1");
  expect(blobs.copied).toEqual({ count: 1, bytes: shared.size });
  await rm(to.path(amd64.digest));
  await rm(to.path(v1.digest));
  expect((await copy(from.repository, to.repository, "v1")).manifests.copied.count).toBe(2);
  expect(await errorsOf(to.store)).toEqual([]);
});

test("what is damaged at the destination in a way that shows is sent again", async () => {
  const { from, to, shared, amd64, v1 } = await furnished();
  await copy(from.repository, to.repository, "v1");
  await damage(to.path(shared.digest), (path) => truncate(path, 3));
  // Its manifests are whole as far as anybody has looked, so that alone does not show.
  await damage(to.path(amd64.digest), (path) => writeFile(path, "{}"));
  await copy(from.repository, to.repository, "v1");
  expect(await errorsOf(to.store)).toEqual([]);
  await damage(to.path(v1.digest), (path) => writeFile(path, "not JSON"));
  await copy(from.repository, to.repository, "v1");
  expect(await errorsOf(to.store)).toEqual([]);
});

test("a referrer whose bytes a crash left behind, and that nobody lists, is found after the copy", async () => {
  const { from, to, v1, signature } = await furnished();
  await copy(from.repository, to.repository, "v1", { referrers: true });
  const index = JSON.parse(await readFile(join(to.directory, "index.json"), "utf8"));
  index.manifests = index.manifests.filter(({ digest }: { digest: string }) => digest !== signature.digest);
  await writeFile(join(to.directory, "index.json"), JSON.stringify(index));
  expect(await referrersOf(to, v1.digest)).toEqual([]);
  await copy(from.repository, to.repository, "v1", { referrers: true });
  expect(await referrersOf(to, v1.digest)).toEqual([signature.digest]);
});

test("children are not listed once their index is there, and only the tag is a root", async () => {
  const { from, to, v1, signature } = await furnished();
  await copy(from.repository, to.repository, "v1", { referrers: true });
  const index = JSON.parse(await readFile(join(to.directory, "index.json"), "utf8"));
  expect(index.manifests.map(({ digest }: { digest: string }) => digest).sort()).toEqual(
    [v1.digest, signature.digest].sort(),
  );
  const roots: string[] = [];
  for await (const { why, name } of to.store.roots()) roots.push(`${why} ${name}`);
  expect(roots).toEqual(["tag v1"]);
  await to.repository.delete("v1");
  const left = [];
  for await (const located of to.store.parts.blobs.list()) left.push(located);
  expect(left).toEqual([]);
});

test("an index over one that is sparse is taken in, though a layout has no word on what is left out on purpose", async () => {
  const { from, to, amd64, v1 } = await furnished();
  const outer = await from.repository.session((session) => session.putManifest(packIndex({ manifests: [v1] })));
  const filter = ({ digest }: { digest: string }) => digest !== amd64.digest;
  const receipt = await copy(from.repository, to.repository, outer, { filter, tags: ["outer"] });
  expect(receipt.leftOut).toEqual([amd64.digest]);
  expect(await tagsOf(to.repository)).toEqual({ outer: outer.digest });
});

test("out of a layout of another tool, whose children are listed and whose referrers are found by that; nothing is written there", async () => {
  const foreign = await ForeignLayout.make();
  const [one, two] = [await foreign.image("one"), await foreign.image("two")];
  const multi = await foreign.index([one, two]);
  const signature = await foreign.image("signature", {
    subject: multi,
    artifactType: "application/vnd.test.signature",
  });
  foreign.list(multi, "multi").list(one).list(two).list(signature);
  await foreign.writeIndex();
  const before = await snapshot(foreign.directory);
  const from = await opened(foreign.directory, { readOnly: true });
  const to = await opened(join(await temporaryDirectory(), "to"));
  const receipt = await copy(from.repository, to.repository, "multi", { referrers: true });
  expect(receipt).toMatchObject({ referrers: 1, manifests: { copied: { count: 4 } } });
  expect(await tagsOf(to.repository)).toEqual({ multi: multi.digest });
  expect(await referrersOf(to, multi.digest)).toEqual([signature.digest]);
  await extendedCopy(from.repository, to.repository, one.digest, { tags: ["one"] });
  expect(await tagsOf(to.repository)).toEqual({ multi: multi.digest, one: one.digest });
  expect(await errorsOf(to.store)).toEqual([]);
  expect(await snapshot(foreign.directory)).toEqual(before);
});

test("two copies at once into one layout: both arrive", async () => {
  const { from, to, v1 } = await furnished();
  const other = await opened(to.directory);
  await Promise.all([
    copy(from.repository, to.repository, "v1", { tags: ["a"] }),
    copy(from.repository, other.repository, "v1", { tags: ["b"], referrers: true }),
  ]);
  expect(await tagsOf(to.repository)).toEqual({ a: v1.digest, b: v1.digest });
  expect(await errorsOf(to.store)).toEqual([]);
});
