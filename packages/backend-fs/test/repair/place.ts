import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type CheckOptions, type Descriptor, type Finding, packIndex, packManifest } from "@ocistore/core";
import { expect, onTestFinished } from "vitest";
import { openLayout } from "../../src/index.ts";
import { bytes } from "../support/bytes.ts";
import { temporaryDirectory } from "../support/foreign-layout.ts";

/** `multi`, an index of two images that share a layer; and `v1`, one of them. */
export async function place() {
  const base = await temporaryDirectory();
  const directory = join(base, "layout");
  const open = async (at = directory) => {
    const store = await openLayout(at, { create: at === directory });
    onTestFinished(() => store.close());
    return store;
  };
  const store = await open();
  const made = await store.repository().session(async (session) => {
    const layer = await session.putBlob(bytes("a layer that both share"));
    const image = async (name: string) => {
      const own = await session.putBlob(bytes(`layer of ${name}`));
      return session.putManifest(packManifest({ artifactType: `test/${name}`, layers: [layer, own] }));
    };
    const [amd64, arm64] = [await image("amd64"), await image("arm64")];
    const multi = await session.putManifest(packIndex({ manifests: [amd64, arm64] }), { tags: ["multi"] });
    return { layer, amd64, arm64, multi };
  });
  await store.repository().tag(made.amd64, "v1");
  await cp(directory, join(base, "mirror"), { recursive: true });
  const blob = ({ digest }: Descriptor) => join(directory, "blobs", ...digest.split(":"));
  return {
    directory,
    blob,
    open,
    ours: join(directory, ".ocistore"),
    mirror: () => open(join(base, "mirror")),
    ...made,
  };
}

export async function found(checked: AsyncIterable<Finding>): Promise<Finding[]> {
  const all: Finding[] = [];
  for await (const each of checked) all.push(each);
  return all;
}

export type At = Awaited<ReturnType<typeof place>>;

/** What a repair says of what is left and of what it did; a dry run before it says the same, and a second one finds nothing new. */
export async function repaired(at: At, o: CheckOptions = {}) {
  const before = await contentOf(at.directory);
  const planned = await found((await at.open()).check({ repair: true, dryRun: true, ...o }));
  expect(await contentOf(at.directory)).toEqual(before);
  const done = await found((await at.open()).check({ repair: true, ...o }));
  const isSaid = ({ level }: Finding) => level !== "note";
  expect(planned.filter(isSaid)).toEqual(done.filter(isSaid));
  const left = done.filter((each) => each.level !== "note" && !each.repaired && each.code !== "layout");
  const again = await found((await at.open()).check({ repair: true, ...o }));
  expect(again.filter((each) => isSaid(each) && each.code !== "layout")).toEqual(left);
  expect(again.filter((each) => each.repaired !== undefined)).toEqual([]);
  return { mended: done.filter((each) => each.repaired), left, all: done };
}

export async function contentOf(directory: string): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    all[path] = entry.isFile() ? await readFile(path, "latin1") : "directory";
  }
  return all;
}

export const KINDS = ["a byte is wrong", "cut short", "too long", "empty"] as const;

export async function damage(path: string, how: (typeof KINDS)[number]): Promise<Uint8Array> {
  const content = await readFile(path);
  if (how === "a byte is wrong") content[content.length >> 1]! ^= 1;
  const damaged = how === "cut short" ? content.subarray(0, 5) : how === "empty" ? content.subarray(0, 0) : content;
  await writeFile(path, how === "too long" ? Buffer.concat([damaged, bytes("more")]) : damaged);
  return readFile(path);
}
