import { cpSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openLayoutParts } from "@ocistore/backend-fs";
import { type Listing, openStore, type ReadListing, type Store } from "@ocistore/core";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { layoutCatalog } from "../src/index.ts";
import { fresh, openIndexed, push, tagsOf } from "./support/layouts.ts";
import { temporary } from "./support/place.ts";

const NAME = "org.opencontainers.image.ref.name";

/** The files as a kill leaves them at this moment: of a database all but the memory that its processes share. */
function imageOf(directory: string): string {
  const image = join(temporary(), "killed");
  cpSync(directory, image, { recursive: true });
  rmSync(join(image, ".ocistore/catalog.db-shm"), { force: true });
  return image;
}

/** Pushes `b` and untags `a`, and keeps what a kill would leave just before index.json gets its name, and just after. */
async function killed(): Promise<{ before: string; after: string; digests: Record<string, string> }> {
  const { directory, store: first } = await fresh();
  const a = await push(first, "a");
  const kept = await push(first, "kept");
  await first.close();
  const { blobs, listing, catalogPath } = await openLayoutParts(directory);
  const images: string[] = [];
  const watched: Listing = {
    stamp: (o) => listing.stamp(o),
    read: async (o): Promise<ReadListing> => {
      const file = await listing.read(o);
      return {
        ...file,
        with: (wanted) => {
          const prepared = file.with(wanted);
          const write = async () => {
            images.push(imageOf(directory));
            const isWritten = await prepared.write();
            images.push(imageOf(directory));
            return isWritten;
          };
          return { hash: prepared.hash, write };
        },
      };
    },
  };
  const connect = () => new Database(catalogPath);
  const catalog = await layoutCatalog({ connect, blobs, listing: watched });
  const store = await openStore({ blobs, catalog });
  const b = await push(store, "b");
  await store.repository().untag("a");
  await store.close();
  const [before, after] = images.slice(-2) as [string, string];
  const digests = { a: a.manifest.digest, kept: kept.manifest.digest, b: b.manifest.digest };
  return { before, after, digests };
}

async function namesIn(directory: string): Promise<(string | undefined)[]> {
  const { manifests } = JSON.parse(await readFile(join(directory, "index.json"), "utf8"));
  return manifests.map((each: { annotations?: Record<string, string> }) => each.annotations?.[NAME]).sort();
}

async function addTheirs(directory: string, digest: string): Promise<void> {
  const path = join(directory, "index.json");
  const index = JSON.parse(await readFile(path, "utf8"));
  const entry = index.manifests.find((each: { digest: string }) => each.digest === digest);
  const theirs = { ...entry, annotations: { [NAME]: "theirs" } };
  await writeFile(path, JSON.stringify({ ...index, manifests: [...index.manifests, theirs] }));
}

const sound = async (store: Store) => {
  for await (const finding of store.check()) throw new Error(finding.message);
};

test("killed before or after index.json gets its name: the next who opens goes on, and takes neither for somebody else's", async () => {
  const { before, after, digests } = await killed();
  expect(await namesIn(before)).toEqual(["a", "kept"]);
  expect(await namesIn(after)).toEqual(["b", "kept"]);
  for (const image of [before, after]) {
    // As a process leaves it that dies while it writes the new one.
    await writeFile(join(image, ".ocistore/index.json.new"), "half");
    const { store, reports } = await openIndexed(image);
    expect(await tagsOf(store)).toEqual({ b: digests.b, kept: digests.kept });
    await sound(store);
    await store.close();
    expect(await namesIn(image)).toEqual(["b", "kept"]);
    expect(reports).toEqual([]);
  }
});

test("killed so, and then changed by another tool: what that added is taken in, and nothing else has gone or come back", async () => {
  const { before, after, digests } = await killed();
  for (const image of [before, after]) {
    await addTheirs(image, digests.kept!);
    const { store, reports } = await openIndexed(image);
    expect(await tagsOf(store)).toEqual({ b: digests.b, kept: digests.kept, theirs: digests.kept });
    await store.close();
    expect(await namesIn(image)).toEqual(["b", "kept", "theirs"]);
    expect(reports).toMatchObject([{ takenOut: [], putBack: [] }]);
    expect(reports[0]?.takenIn).toContain(`${digests.kept} theirs`);
  }
});
