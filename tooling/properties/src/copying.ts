import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import {
  type CopyReceipt,
  copy,
  type Digest,
  type Environment,
  isOciStoreError,
  type ReadableRepository,
  type Repository,
  type Store,
  type WritableRepository,
} from "@ocistore/core";
import fc from "fast-check";
import { type ManualClock, manualClock } from "./clock.ts";
import { BLOBS, type Document, type Documents, writeDocuments } from "./documents.ts";
import { script } from "./operations.ts";

const HOUR = 60 * 60_000;

/** Where to copy from and to: two stores, or twice the same. */
interface CopyWorld {
  readonly source: Store;
  readonly from: Repository;
  readonly target: Store;
  readonly to: Repository;
  close(): Promise<void>;
}

export interface CopyTests {
  /** `test` of the runner, or something like it. */
  readonly test: (name: string, work: () => Promise<void>) => void;
  readonly factory: (env: Environment) => Promise<CopyWorld>;
  /** Copies to try; `OCISTORE_RUNS` in the environment goes before. */
  readonly runs: number;
  readonly startsAt?: number;
  readonly seed?: number;
}

/** A copy: of what, how, what is at the destination before, and which of its calls fails. */
const attempt = fc.record({
  documents: script.map(({ documents }) => documents),
  reference: fc.nat({ max: 7 }),
  referrers: fc.boolean(),
  /** Of each manifest and of each blob, in their order, whether it is there. A manifest is there alone. */
  manifests: fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
  blobs: fc.array(fc.boolean(), { minLength: BLOBS, maxLength: BLOBS }),
  concurrency: fc.integer({ min: 1, max: 4 }),
  fails: fc.array(fc.record({ call: fc.integer({ min: 1, max: 40 }), after: fc.boolean() }), { maxLength: 3 }),
});

type Attempt = typeof attempt extends fc.Arbitrary<infer T> ? T : never;

/** Random copies, over whatever is there, each of which may die a few times, compared with what the graph says by hand. */
export function copyTests({ test, factory, runs, startsAt, seed }: CopyTests): void {
  const numRuns = Number(process.env.OCISTORE_RUNS ?? runs);
  const chosen = process.env.OCISTORE_SEED === undefined ? seed : Number(process.env.OCISTORE_SEED);
  const run = async (each: Attempt) => {
    const clock = manualClock(startsAt);
    const world = await factory(clock);
    try {
      await runCopy(each, world, clock);
    } finally {
      await world.close();
    }
  };
  test("what arrives is the closure, whatever was there, and however often it died on the way", () =>
    fc.assert(fc.asyncProperty(attempt, run), { numRuns, ...(chosen !== undefined && { seed: chosen }) }));
}

async function runCopy(each: Attempt, world: CopyWorld, clock: ManualClock): Promise<void> {
  const { from, to, source, target } = world;
  const documents = writeDocuments(each.documents);
  await fill(from, documents);
  await furnish(to, documents, each);
  const root = documents.manifests[each.reference % documents.manifests.length]!;
  const expected = closureOf(documents, root, each.referrers);
  const [before, sourceBefore] = [await storedIn(target), await storedIn(source)];

  const o = { referrers: each.referrers, concurrency: each.concurrency, tags: ["copied"] };
  for (const fault of each.fails) {
    const { failing, failure } = faulty(from, to, fault);
    const error = await copy(failing.from, failing.to, root.digest, o).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error !== undefined && !(isOciStoreError(error) && error.cause === failure)) throw error;
    // Whether or not it was told so, what is tagged is whole.
    if (await to.find("copied")) await mustBeThere(to, documents, root, expected);
    else ok(error !== undefined, "what was copied is tagged");
  }
  const planned = await copy(from, to, root.digest, { ...o, dryRun: true });
  const receipt = await copy(from, to, root.digest, o);
  // Of a layer that is a broken manifest besides, a session says that it is not there, and a look that it is.
  if (![...expected.blobs].some((blob) => documents.byDigest.has(blob))) deepStrictEqual(planned, receipt);
  sumsUp(receipt, expected);
  await mustBeThere(to, documents, root, expected);
  deepStrictEqual(await storedIn(target), new Set([...before, ...expected.manifests, ...expected.blobs]));
  deepStrictEqual(await storedIn(source), source === target ? await storedIn(target) : sourceBefore);

  // Nothing of it hangs on a claim.
  clock.advance(2 * HOUR);
  await target.collect({ grace: 0 });
  await mustBeThere(to, documents, root, expected);
}

/** All documents and all blobs, the documents as roots. */
async function fill(from: Repository, documents: Documents): Promise<void> {
  await from.session(async (session) => {
    for (const { bytes } of documents.blobs) await session.putBlob(bytes);
    for (const [number, { bytes }] of documents.manifests.entries()) {
      await session.putManifest({ bytes }, { tags: [`d${number}`] });
    }
  });
}

async function furnish(to: Repository, documents: Documents, { manifests, blobs }: Attempt): Promise<void> {
  const session = to.openSession("before");
  for (const [number, { bytes }] of documents.blobs.entries()) if (blobs[number]) await session.putBlob(bytes);
  for (const [number, { bytes }] of documents.manifests.entries()) {
    if (manifests[number]) await session.putManifest({ bytes }, { sparse: true });
  }
}

interface Expected {
  readonly manifests: ReadonlySet<Digest>;
  readonly blobs: ReadonlySet<Digest>;
}

/** By hand: what it names, its subject if that is a manifest, and perhaps what refers to it, until nothing is added. */
function closureOf({ manifests: all, byDigest }: Documents, root: Document, referrers: boolean): Expected {
  const manifests = new Set<Digest>();
  const blobs = new Set<Digest>();
  const add = (document: Document): void => {
    if (manifests.has(document.digest)) return;
    manifests.add(document.digest);
    for (const blob of document.blobs) blobs.add(blob);
    for (const child of document.children) add(byDigest.get(child)!);
    const subject = document.subject && byDigest.get(document.subject);
    if (subject) add(subject);
    if (referrers) for (const other of all) if (other.subject === document.digest) add(other);
  };
  add(root);
  return { manifests, blobs };
}

async function mustBeThere(to: Repository, documents: Documents, root: Document, expected: Expected): Promise<void> {
  strictEqual((await to.resolve("copied")).digest, root.digest);
  for (const digest of expected.manifests) {
    ok(await to.find(digest), `the manifest ${digest} is there`);
    deepStrictEqual(await to.bytes(digest), documents.bytesOf(digest));
  }
  for (const digest of expected.blobs) deepStrictEqual(await to.bytes(digest), documents.bytesOf(digest));
  for (const digest of expected.manifests) {
    const { subject } = documents.byDigest.get(digest)!;
    if (!subject || !expected.manifests.has(subject)) continue;
    const found: Digest[] = [];
    for await (const referrer of to.referrers(subject)) found.push(referrer.digest);
    ok(found.includes(digest), `${digest} is found as a referrer of ${subject}`);
  }
}

function sumsUp({ manifests, blobs }: CopyReceipt, expected: Expected): void {
  const count = ({ copied, mounted, skipped }: CopyReceipt["blobs"]) => copied.count + mounted.count + skipped.count;
  strictEqual(count(manifests), expected.manifests.size);
  strictEqual(count(blobs), expected.blobs.size);
}

async function storedIn(store: Store): Promise<Set<Digest>> {
  const digests: Digest[] = [];
  for await (const { digest } of store.parts.blobs.list()) digests.push(digest);
  return new Set(digests.sort());
}

/** Both sides, of whose calls one fails: before it is done or after. */
function faulty(from: Repository, to: Repository, fault: Attempt["fails"][number]) {
  const failure = new Error("injected");
  let calls = 0;
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    const isHit = ++calls === fault.call;
    if (isHit && !fault.after) throw failure;
    const result = await work();
    if (isHit) throw failure;
    return result;
  };
  async function* stream<T>(items: () => AsyncIterable<T>): AsyncGenerator<T> {
    await call(async () => {});
    yield* items();
    await call(async () => {});
  }
  const readable: ReadableRepository = {
    store: from.store,
    name: from.name,
    resolve: (...args) => call(() => from.resolve(...args)),
    bytes: (...args) => call(() => from.bytes(...args)),
    blob: (...args) => stream(() => from.blob(...args)),
    tags: (...args) => stream(() => from.tags(...args)),
    referrers: (...args) => stream(() => from.referrers(...args)),
  };
  const writable: WritableRepository = {
    store: to.store,
    name: to.name,
    find: (...args) => call(() => to.find(...args)),
    session: (work, o) =>
      to.session(
        (session) =>
          work({
            has: (...args) => call(() => session.has(...args)),
            putBlob: (...args) => call(() => session.putBlob(...args)),
            putManifest: (...args) => call(() => session.putManifest(...args)),
          }),
        o,
      ),
  };
  return { failing: { from: readable, to: writable }, failure };
}
