import {
  type Change,
  type Descriptor,
  isOciStoreError,
  type Repository,
  type Session,
  type Store,
} from "@ocistore/core";
import type { Chance } from "./chance.ts";
import { type Blob, IMAGES, type Image, image, index, referrer } from "./content.ts";
import type { Effect, Ending, Intent, Journal } from "./journal.ts";
import { lastEpoch } from "./open.ts";

/** The tags that everybody sets, moves and takes away. */
export const TAGS: readonly string[] = Array.from({ length: 16 }, (_, at) => `tag-${at}`);

/** How the names begin of those that nobody ever takes away, nor what they are on, nor its signatures. */
export const KEPT = "kept-";

/** What takes no time to come back, and what does. */
const WINDOWS = [0, 800, 3000];

/** How often each is done; a collection only by who is told with which grace. */
const WEIGHTS = {
  "push image": 20,
  "push index": 10,
  "push referrer": 8,
  "push and keep": 6,
  tag: 10,
  untag: 8,
  delete: 16,
  undo: 12,
  collect: 40,
  "empty trash": 1,
};

type Verb = keyof typeof WEIGHTS;

/** What one is there for: all of it; to push and tag; to take away again, and bring back; to collect in the background. */
type Duty = "all" | "push" | "delete" | "collect";

const DELETES: readonly Verb[] = ["untag", "delete", "undo", "empty trash"];

/** What anybody does, but for collecting and the trash, which not everybody may. */
const IS_DUTY: Readonly<Record<Duty, (verb: Verb) => boolean>> = {
  all: () => true,
  push: (verb) => verb !== "collect" && !DELETES.includes(verb),
  delete: (verb) => DELETES.includes(verb),
  collect: (verb) => verb === "collect",
};

export interface Worker {
  readonly store: Store;
  readonly directory: string;
  readonly journal: Journal;
  readonly chance: Chance;
  /** Which of them it is, and which in the line of those that were killed. */
  readonly slot: number;
  readonly incarnation: number;
  /** Of its collections: the policy's if `undefined`; `null` for who does not collect. */
  readonly grace: number | undefined | null;
  /** Of its deletions, and nothing goes before that is over; one of several unless given. */
  readonly window: number | undefined;
  readonly duty: Duty;
}

/** Does one thing, and writes down before it that it will, and after it what became of it. */
export async function workOnce(worker: Worker): Promise<void> {
  const { grace, window, duty } = worker;
  const may = (verb: Verb) =>
    IS_DUTY[duty](verb) && (verb !== "collect" || grace !== null) && (verb !== "empty trash" || window === undefined);
  const weights = Object.entries(WEIGHTS) as [Verb, number][];
  const verb = worker.chance.weighted<Verb>(Object.fromEntries(weights.filter(([verb]) => may(verb))));
  await VERBS[verb](worker);
}

/** Whoever follows one that was killed ends what held on in its name, as its claims and its lease would by time. */
export async function takeOver(worker: Worker): Promise<void> {
  const { store, directory } = worker;
  await journaled(worker, { what: "take over" }, async () => {
    await sessionOf(worker).end();
    // It may be the lease of one that lives, which hears of it by a `CONFLICT`.
    const epoch = worker.grace === null ? undefined : lastEpoch(directory);
    if (epoch !== undefined) await store.parts.catalog.endLease("collect", epoch);
    return {};
  });
}

const VERBS: Readonly<Record<Verb, (worker: Worker) => Promise<void>>> = {
  "push image": async (worker) => {
    const { chance } = worker;
    const { blobs, packed } = image(chance.below(IMAGES));
    const names = chance.is(0.15) ? [chance.pick(TAGS), chance.pick(TAGS)] : [chance.pick(TAGS)];
    const isNew = chance.is(0.1);
    const effects = names.map((tag) => ({ tag, to: packed.descriptor.digest }));
    await journaled(worker, { what: isNew ? "push image, new" : "push image", effects }, async () => {
      await inSession(worker, async (session) => {
        await putBlobs(worker, session, blobs);
        await session.putManifest(packed, { tags: names, ...(isNew && { expect: null }) });
      });
      return {};
    });
  },

  "push index": async (worker) => {
    const { chance } = worker;
    const { images, packed } = index(chance.below(IMAGES));
    const tag = chance.pick(TAGS);
    const effects = [{ tag, to: packed.descriptor.digest }];
    await journaled(worker, { what: "push index", effects }, async () => {
      await inSession(worker, async (session) => {
        for (const each of images) await putImage(worker, session, each);
        await session.putManifest(packed, { tags: [tag] });
      });
      return {};
    });
  },

  "push referrer": async (worker) => {
    const { chance, store } = worker;
    const subject = await store.repository().find(chance.pick(TAGS));
    if (!subject) return;
    const signature = referrer(chance.below(4), subject);
    const tags = chance.is(0.3) ? [chance.pick(TAGS)] : [];
    const effects = tags.map((tag) => ({ tag, to: signature.packed.descriptor.digest }));
    await journaled(worker, { what: "push referrer", effects }, async () => {
      await inSession(worker, (session) => putImage(worker, session, signature, tags));
      return {};
    });
  },

  /** What nobody ever takes away again: an image of a tag of its own, its signature, and an image without a tag. */
  "push and keep": async (worker) => {
    const { chance } = worker;
    const tag = ownName(worker, KEPT);
    const tagged = image(chance.below(IMAGES), tag);
    const signature = referrer(0, tagged.packed.descriptor, tag);
    const untagged = chance.is(0.3) ? [image(chance.below(IMAGES), `${tag} untagged`)] : [];
    const { digest } = tagged.packed.descriptor;
    const keeps = [tagged, signature, ...untagged].map(({ packed }) => packed.descriptor.digest);
    await journaled(worker, { what: "push and keep", effects: [{ tag, to: digest }], keeps }, async () => {
      await inSession(worker, async (session) => {
        await putImage(worker, session, tagged, [tag]);
        for (const each of [signature, ...untagged]) await putImage(worker, session, each);
      });
      return {};
    });
  },

  tag: async (worker) => {
    const { chance, store } = worker;
    const repository = store.repository();
    const tag = chance.is(0.2) ? ownName(worker, "extra-") : chance.pick(TAGS);
    const found = await anyManifest(worker, repository);
    if (!found) return;
    await journaled(worker, { what: "tag", effects: [{ tag, to: found.digest }] }, async () => {
      await repository.tag(found.digest, tag);
      return {};
    });
  },

  untag: async (worker) => {
    const tag = worker.chance.pick(TAGS);
    await journaled(worker, { what: "untag", effects: [{ tag, to: null }] }, async () => {
      await worker.store.repository().untag(tag);
      return {};
    });
  },

  delete: async (worker) => {
    const { chance, store } = worker;
    const repository = store.repository();
    const tag = chance.pick(TAGS);
    const target = chance.is(0.3) ? ((await repository.find(tag))?.digest ?? tag) : tag;
    const options = {
      window: worker.window ?? chance.pick(WINDOWS),
      ...(chance.is(0.2) && { referrers: true }),
      ...(chance.is(0.1) && { children: "keep" as const }),
    };
    const plan = await planned(() => repository.planDelete(target, options));
    if (!plan) return;
    const effects = plan.header.changes.flatMap(({ steps }) => steps.flatMap(effectsOf));
    const takes = plan.items.map(({ digest }) => digest);
    await journaled(worker, { what: "delete", effects, takes }, async () => {
      // A plan may be old by the time it is applied.
      if (chance.is(0.2)) await store.parts.env.sleep(chance.below(50));
      const { removed, condemned } = await store.apply(plan);
      return { count: removed + condemned };
    });
  },

  undo: async (worker) => {
    const { chance, store } = worker;
    const runs = [];
    for await (const each of store.trash()) runs.push(each);
    const chosen = runs[chance.below(Math.min(runs.length, 4))];
    if (!chosen) return;
    const effects = chosen.tags.map(({ name, digest }) => ({ tag: name, to: digest }));
    const moved = chance.pick(["leave", "take", undefined] as const);
    await journaled(worker, { what: "undo", effects }, async () => {
      const { tags, content } = await store.undo(chosen.run, { moved });
      return { effects: tags.map(({ name, digest }) => ({ tag: name, to: digest })), count: content.length };
    });
  },

  collect: async (worker) => {
    const grace = worker.grace ?? undefined;
    const what = grace === 0 ? "collect at once" : "collect";
    await journaled(worker, { what }, async () => {
      const { removed, condemned } = await worker.store.collect({ grace });
      return { count: removed + condemned };
    });
  },

  "empty trash": async (worker) => {
    await journaled(worker, { what: "empty trash" }, async () => {
      const { erased } = await worker.store.emptyTrash();
      return { count: erased };
    });
  },
};

let names = 0;

/** A tag that nobody else sets. */
function ownName({ slot, incarnation }: Worker, beginning: string): string {
  names += 1;
  return `${beginning}${slot}-${incarnation}-${names}`;
}

async function journaled(
  { journal }: Worker,
  intent: Intent,
  work: () => Promise<Omit<Ending, "outcome">>,
): Promise<void> {
  const n = journal.begin(intent);
  try {
    journal.end(n, { outcome: "done", ...(await work()) });
  } catch (error) {
    if (isOciStoreError(error)) journal.end(n, { outcome: "refused", code: error.code, message: error.message });
    else journal.end(n, { outcome: "failed", message: String((error as Error)?.stack ?? error) });
  }
}

/** Under the name of the place, so that whoever follows ends it; or under one that holds on for an hour, as others do. */
async function inSession(worker: Worker, work: (session: Session) => Promise<unknown>): Promise<void> {
  if (worker.chance.is(0.1)) {
    await worker.store.repository().session(work);
    return;
  }
  const session = sessionOf(worker);
  try {
    await work(session);
  } finally {
    await session.end();
  }
}

const sessionOf = ({ store, slot }: Worker): Session => store.repository().openSession(`worker-${slot}`);

async function putBlobs({ chance }: Worker, session: Session, blobs: readonly Blob[]): Promise<void> {
  for (const { bytes, descriptor, isLarge } of blobs) {
    if (!isLarge || chance.is(0.3)) await session.putBlob({ ...descriptor, stream: bytes });
    else await session.putBlob({ ...descriptor, stream: (start) => inPieces(bytes, start) }, { resume: true });
  }
}

async function* inPieces(bytes: Uint8Array, start: number): AsyncGenerator<Uint8Array> {
  for (let at = start; at < bytes.length; at += 16 * 1024) yield bytes.slice(at, at + 16 * 1024);
}

async function putImage(
  worker: Worker,
  session: Session,
  { blobs, packed }: Image,
  tags: readonly string[] = [],
): Promise<void> {
  await putBlobs(worker, session, blobs);
  await session.putManifest(packed, { tags });
}

/** One that has a tag; or of the pool, whether it is there or not, and then perhaps garbage that comes back by it. */
async function anyManifest({ chance }: Worker, repository: Repository): Promise<Descriptor | undefined> {
  const reference = chance.is(0.7) ? chance.pick(TAGS) : image(chance.below(IMAGES)).packed.descriptor;
  return repository.find(reference);
}

/** A plan changes nothing, so that nobody needs to know of one that was refused. */
async function planned<T>(plan: () => Promise<T>): Promise<T | undefined> {
  try {
    return await plan();
  } catch (error) {
    if (isOciStoreError(error, "NOT_FOUND", "IN_USE")) return undefined;
    throw error;
  }
}

function effectsOf(step: Change): Effect[] {
  if (step.do === "untag") return [{ tag: step.name, to: null }];
  if (step.do === "remove") return (step.tags ?? []).map((tag) => ({ tag, to: null }));
  return [];
}
