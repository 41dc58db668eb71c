import type { Digest, Store } from "@ocistore/core";
import { closureOf, type Document, documentOf } from "./content.ts";
import { type Model, Violation } from "./model.ts";
import type { Process } from "./process.ts";
import type { Ground } from "./variants/variant.ts";

const HOUR = 60 * 60_000;

/**
 * When all is quiet: nothing that was acknowledged is lost (I1), what roots reach is whole (I2, I4), fsck is content, and a
 * collection that comes when every grace, claim and window is over leaves no garbage (I5) and takes nothing else (I6).
 */
export async function verify(model: Model, store: Store, ground: Ground, process: Process): Promise<void> {
  await mustBeAsAcknowledged(model, store);
  await mustBeSound(store);
  process.note("garbage is collected");
  model.simulation.now += 1000 * HOUR;
  // What one run condemns in passing, the next erases.
  for (let round = 0; round < 2; round++) await store.collect({ grace: 0 });
  await mustHaveKnown(store);
  await mustBeAsAcknowledged(model, store);
  await mustBeWhatRootsNeed(store, ground);
}

async function mustBeAsAcknowledged({ history, kept }: Model, store: Store): Promise<void> {
  const repository = store.repository();
  const tags = new Map<string, Digest>();
  for await (const { name, digest } of repository.tags()) tags.set(name, digest);
  for (const name of tags.keys())
    if (!history.tags.includes(name)) throw new Violation(`nobody has set the tag ${name}`);
  for (const name of history.tags) {
    const allowed = history.allowed(name);
    const found = tags.get(name);
    if (!allowed.has(found)) {
      const nameOf = (digest: Digest | undefined) => (digest ? documentOf(digest)?.name : "nothing");
      throw new Violation(`tag ${name} is on ${nameOf(found)}, not on ${[...allowed].map(nameOf).join(" or ")}`);
    }
  }
  const roots = [...[...tags.values()].map((digest) => documentOf(digest)!), ...kept];
  // What several of them share is read once.
  const read = new Set<Digest>();
  for (const document of roots) {
    for (const [digest, bytes] of closureOf(document)) {
      if (read.has(digest)) continue;
      read.add(digest);
      const found = await repository.bytes(digest).catch((error) => {
        throw new Violation(`${digest}, below ${document.name}, is lost: ${error.message}`, { cause: error });
      });
      if (Buffer.compare(found, bytes) !== 0) throw new Violation(`${digest} has other bytes`);
    }
  }
}

async function mustBeSound(store: Store): Promise<void> {
  for await (const { level, code, digest, message } of store.check()) {
    if (level === "error") throw new Violation(`fsck: ${code} ${digest}: ${message}`);
  }
}

/**
 * A catalog with a queue has known of all that it has a row of. Bytes without one, which a process has left that died between
 * their name and their row, are found by a mark of all that is listed.
 */
async function mustHaveKnown(store: Store): Promise<void> {
  if (!store.parts.catalog.capabilities.queue) return;
  const { missed } = await store.collect({ grace: 0, full: true });
  if (missed.length > 0) throw new Violation(`the queue does not know that these are garbage: ${missed.join(", ")}`);
}

/** Neither more nor less. */
async function mustBeWhatRootsNeed(store: Store, ground: Ground): Promise<void> {
  const stored = new Set<Digest>();
  for await (const { digest } of store.parts.blobs.list()) stored.add(digest);
  const wanted = await reachable(store, stored);
  for (const digest of stored) if (!wanted.has(digest)) throw new Violation(`garbage stays: ${digest}`);
  for (const digest of wanted) if (!stored.has(digest)) throw new Violation(`a root needs ${digest}, which is lost`);
  for await (const { run } of store.trash()) throw new Violation(`the run ${run} stays in the trash`);
  for await (const { digest } of store.condemned()) throw new Violation(`${digest} stays condemned`);
  for await (const { id } of store.uploads()) throw new Violation(`the upload ${id} stays`);
  const [left] = ground.leftOver();
  if (left) throw new Violation(`left over: ${left}`);
}

/**
 * What roots lead to, by a walk over what the documents of this simulation are known to name. A subject of which only the
 * bytes are stored is kept as what it is, bytes, and keeps nothing.
 */
async function reachable(store: Store, stored: ReadonlySet<Digest>): Promise<Set<Digest>> {
  const repository = store.repository();
  const manifests = new Set<Document>();
  for (const digest of stored) {
    const document = documentOf(digest);
    if (document && (await repository.find(digest))) manifests.add(document);
  }
  const found = new Set<Digest>();
  const add = (digest: Digest) => {
    if (found.has(digest)) return;
    found.add(digest);
    const document = documentOf(digest);
    if (!document || !manifests.has(document)) return;
    for (const each of closureOf(document).keys()) add(each);
    if (document.subject && stored.has(document.subject.digest)) add(document.subject.digest);
    for (const { digest: other, subject } of manifests) if (subject === document) add(other);
  };
  for await (const { digest } of store.roots()) add(digest);
  return found;
}
