import { deepStrictEqual, ok } from "node:assert/strict";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CopySource, Digest, Environment, Finding, Repository, Store } from "@ocistore/core";
import fc from "fast-check";
import { manualClock } from "./clock.ts";
import { BLOBS, type Documents, writeDocuments } from "./documents.ts";
import { script } from "./operations.ts";

const HOUR = 60 * 60_000;

/** A layout on a disk, another of the same content, and how to get at them. */
interface RepairWorld {
  readonly directory: string;
  readonly mirror: Store;
  /** Of the one that is to be damaged; the caller closes it. */
  open(): Promise<Store>;
  /** Makes `mirror` hold what the layout holds. */
  copied(): Promise<void>;
  /** What can be mended without opening it. */
  mendLayout(): Promise<readonly Finding[]>;
  close(): Promise<void>;
}

export interface RepairTests {
  /** `test` of the runner, or something like it. */
  readonly test: (name: string, work: () => Promise<void>) => void;
  readonly factory: (env: Environment) => Promise<RepairWorld>;
  /** Damaged layouts to try, each with and without a source; `OCISTORE_RUNS` in the environment goes before. */
  readonly runs: number;
  readonly startsAt?: number;
  readonly seed?: number;
}

/** Most images have a blob that only they name, or what is lost with one would seldom be missed; the rest share the last. */
const SHARED = BLOBS - 1;
const sketches = script.map(({ documents }) =>
  documents.map((each, number) => ({
    ...each,
    config: Math.min(number, SHARED),
    layers: each.layers.length > 0 ? [SHARED] : [],
  })),
);

const attempt = fc.record({
  documents: sketches,
  /** Of each manifest, whether it has a tag; without one it is a root of its own. */
  tagged: fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
  pinned: fc.nat({ max: 6 }),
  /** Deleted with a window, so that there is a run. */
  deleted: fc.option(fc.nat({ max: 6 }), { nil: undefined }),
  /** Whether index.json is garbage, whatever else is damaged. */
  lost: fc.boolean(),
  damages: fc.array(
    fc.record({
      file: fc.nat({ max: 40 }),
      how: fc.constantFrom("flip", "cut", "empty", "longer", "delete"),
      at: fc.nat({ max: 4000 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});

type Attempt = typeof attempt extends fc.Arbitrary<infer T> ? T : never;

/** Random damage to a small layout, which is then repaired and must lose nothing that was not damaged. */
export function repairTests({ test, factory, runs, startsAt, seed }: RepairTests): void {
  const numRuns = Number(process.env.OCISTORE_RUNS ?? runs);
  const chosen = process.env.OCISTORE_SEED === undefined ? seed : Number(process.env.OCISTORE_SEED);
  const holds = (check: (each: Attempt, world: RepairWorld) => Promise<void>) =>
    fc.assert(
      fc.asyncProperty(attempt, async (each) => {
        const world = await factory(manualClock(startsAt));
        try {
          await check(each, world);
        } finally {
          await world.close();
        }
      }),
      { numRuns, ...(chosen !== undefined && { seed: chosen }) },
    );
  test("with a whole source, what was damaged is what it was", () => holds(withSource));
  test("without a source nothing that is sound is lost, and a push makes the rest whole", () => holds(withoutSource));
}

async function withSource(each: Attempt, world: RepairWorld): Promise<void> {
  const { whole, damage } = await damagedLayout(each, world);
  await mend(world, [world.mirror.repository()]);
  if (damage.isForgetful) await mustHold(world, sound(whole, damage));
  else {
    await mustHold(world, whole);
    deepStrictEqual(await inStore(world, tagsOf), await tagsOf(world.mirror));
    deepStrictEqual(await inStore(world, wrongIn), []);
  }
  await mustBeDone(world, [world.mirror.repository()]);
  // What only a manifest named that nobody remembers is garbage.
  if (!damage.isForgetful) {
    await inStore(world, (store) => store.collect({ grace: 0 }));
    await mustHold(world, whole);
  }
}

async function withoutSource(each: Attempt, world: RepairWorld): Promise<void> {
  const { documents, whole, damage } = await damagedLayout(each, world);
  await mend(world, []);
  await mustHold(world, sound(whole, damage));
  await mustBeDone(world, []);
  // Nor does a collection take anything then, unless a manifest is gone whose name nobody remembers.
  if (![...damage.paths.values()].includes("delete") && !damage.hasLostPins) {
    await inStore(world, (store) => store.collect({ grace: 0 }));
    await mustHold(world, sound(whole, damage));
  }
  await inStore(world, (store) => push(store.repository(), documents, each));
  await mend(world, []);
  await mustHold(world, whole);
  deepStrictEqual(await inStore(world, wrongIn), []);
}

interface Damage {
  /** What was done to which file. */
  readonly paths: ReadonlyMap<string, string>;
  /** Roots may be forgotten: a tag, a pin. */
  readonly isForgetful: boolean;
  readonly hasLostPins: boolean;
}

/** A layout, its sound blobs by path, and then the damage. */
async function damagedLayout(each: Attempt, world: RepairWorld) {
  const documents = writeDocuments(each.documents, { plainLayers: true });
  const { manifests } = documents;
  await inStore(world, async (store) => {
    const repository = store.repository();
    await push(repository, documents, each);
    await repository.pin(manifests[each.pinned % manifests.length]!.digest, "kept");
    const name = each.deleted === undefined ? undefined : `d${each.deleted % manifests.length}`;
    if (name && (await tagsOf(store))[name]) await repository.delete(name, { window: HOUR });
  });
  await world.copied();
  const whole = await blobsIn(world.directory);
  return { documents, whole, damage: await damaged(world.directory, each) };
}

async function push(repository: Repository, documents: Documents, { tagged }: Attempt): Promise<void> {
  await repository.session(async (session) => {
    for (const [number, { bytes, blobs }] of documents.manifests.entries()) {
      for (const digest of blobs) await session.putBlob(documents.bytesOf(digest));
      await session.putManifest({ bytes }, { tags: tagged[number] ? [`d${number}`] : [] });
    }
  });
}

/** Blobs in any way; of files with a format only so that it is seen, since what says something else well is no damage. */
async function damaged(directory: string, { damages, lost }: Attempt): Promise<Damage> {
  const records = (await filesIn(directory)).filter((path) => /(index|pins|leases|lost|run|store)\.json$/.test(path));
  const blobs = (await filesIn(directory)).filter((path) => path.startsWith("blobs/"));
  const paths = new Map<string, string>();
  if (lost) {
    paths.set("index.json", "garbage");
    await writeFile(join(directory, "index.json"), "garbage");
  }
  for (const { file, how, at } of damages) {
    // Half of it to what is not content: there is less of that.
    const pool = file % 2 === 0 ? blobs : records;
    const path = pool[(file >> 1) % pool.length]!;
    if (paths.has(path)) continue;
    const isRecord = pool === records;
    const full = join(directory, path);
    const content = await readFile(full);
    paths.set(path, how === "delete" && isRecord ? "cut" : how);
    if (how === "delete" && !isRecord) await rm(full);
    else if (how === "empty") await writeFile(full, "");
    else if (how === "longer") await writeFile(full, Buffer.concat([content, Buffer.from("}, more")]));
    else if (how === "flip" && !isRecord) {
      content[at % content.length]! ^= 1 + (at % 255);
      await writeFile(full, content);
    } else await writeFile(full, content.subarray(0, at % (content.length - 2)));
  }
  const hits = (name: string) => [...paths.keys()].some((path) => path.endsWith(name));
  return { paths, isForgetful: hits("index.json") || hits("pins.json"), hasLostPins: hits("pins.json") };
}

async function mend(world: RepairWorld, from: readonly CopySource[]): Promise<Finding[]> {
  const found = [...(await world.mendLayout())];
  await inStore(world, async (store) => {
    for await (const finding of store.check({ repair: true, from })) found.push(finding);
  });
  return found;
}

/** A dry run and a repair find nothing to do any more. */
async function mustBeDone(world: RepairWorld, from: readonly CopySource[]): Promise<void> {
  const before = await filesIn(world.directory);
  deepStrictEqual(
    (await mend(world, from)).filter(({ repaired }) => repaired !== undefined),
    [],
  );
  deepStrictEqual(await filesIn(world.directory), before);
}

async function mustHold({ directory }: RepairWorld, expected: ReadonlyMap<string, Buffer>): Promise<void> {
  const found = await blobsIn(directory);
  for (const [path, bytes] of expected) ok(found.get(path)?.equals(bytes), `${path} is there, and sound`);
}

function sound(whole: ReadonlyMap<string, Buffer>, { paths }: Damage): ReadonlyMap<string, Buffer> {
  return new Map([...whole].filter(([path]) => !paths.has(path)));
}

async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  // Of its lock files each process leaves some.
  const files = entries.filter((entry) => entry.isFile() && !entry.parentPath.endsWith("/.ocistore/lock"));
  return files.map(({ parentPath, name }) => join(parentPath, name).slice(directory.length + 1)).sort();
}

async function blobsIn(directory: string): Promise<ReadonlyMap<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for (const path of await filesIn(directory)) {
    if (path.startsWith("blobs/")) found.set(path, await readFile(join(directory, path)));
  }
  return found;
}

async function wrongIn(store: Store): Promise<Finding[]> {
  const wrong: Finding[] = [];
  for await (const finding of store.check()) if (finding.level !== "note") wrong.push(finding);
  return wrong;
}

async function tagsOf(store: Store): Promise<Record<string, Digest>> {
  const tags: Record<string, Digest> = {};
  for await (const { name, digest } of store.repository().tags()) tags[name] = digest;
  return tags;
}

async function inStore<T>(world: RepairWorld, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await world.open();
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
