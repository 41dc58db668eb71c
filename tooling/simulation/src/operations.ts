import {
  type CollectOptions,
  type DeleteOptions,
  type Digest,
  type ErrorCode,
  isOciStoreError,
  type Ms,
  type Plan,
  type Repository,
  type Session,
  type Store,
  type UndoOptions,
} from "@ocistore/core";
import { BLOBS, type BlobName, blobDigest, closureOf, type Document, documentOf, put } from "./content.ts";
import { type Model, Violation } from "./model.ts";
import type { Process } from "./process.ts";

/** A process that has opened the store. */
export interface Actor {
  readonly process: Process;
  readonly store: Store;
  readonly repository: Repository;
  readonly model: Model;
}

export interface Operation {
  readonly name: string;
  /** What it may be answered although nothing is wrong. */
  readonly mayFail: readonly ErrorCode[];
  run(actor: Actor): Promise<void>;
}

/** Runs it; what it was answered must be one of what it may be. */
export async function perform(actor: Actor, operation: Operation): Promise<void> {
  const { process, model } = actor;
  process.note(`begins: ${operation.name}`);
  try {
    await operation.run(actor);
    process.note(`done: ${operation.name}`);
  } catch (error) {
    if (error instanceof Violation) throw error;
    if (!isOciStoreError(error))
      throw new Violation(`${operation.name} failed without a code: ${error}`, { cause: error });
    process.note(`${operation.name} is answered ${error.code}`);
    if (operation.mayFail.includes(error.code) || model.simulation.faults > 0) return;
    throw new Violation(`${operation.name} was answered ${error.code}: ${error.message}`, { cause: error });
  }
}

export interface PushOptions {
  /** Asks what is there, and sends only the rest, as a copy does. */
  readonly ask?: boolean;
  readonly resume?: boolean;
  /** Between its blobs and its manifest it has something else to do for so long. */
  readonly slow?: Ms;
  /** In the middle of each blob it stands still for so long. */
  readonly halts?: Ms;
}

export function push(document: Document, tag: string | undefined, o: PushOptions = {}): Operation {
  const how = [o.ask && "asking first", o.resume && "resumably", o.slow && "slowly", o.halts && "with halts"]
    .filter(Boolean)
    .join(", ");
  return {
    name: `push ${document.name}${tag ? ` as ${tag}` : ""}${how ? ` (${how})` : ""}`,
    // A claim ends by time, as does the time that bytes have to become known; and of one upload there is one writer.
    mayFail: ["MISSING_CONTENT", "UPLOAD_UNKNOWN", ...(o.resume ? (["LOCKED", "CONFLICT"] as const) : [])],
    async run({ repository, process, model }) {
      const write = tag === undefined ? undefined : model.history.begin(tag, document.digest);
      let isDone = false;
      try {
        await repository.session(async (session) => {
          const held = await bring(repository, session, document, o, process);
          if (o.slow !== undefined) await process.env.sleep(o.slow);
          if (!held.has(document.digest) || tag !== undefined) {
            await session.putManifest(document.content, { tags: tag === undefined ? [] : [tag] });
          }
          isDone = true;
          write?.acknowledge();
        });
      } catch (error) {
        if (!isDone && isRefusal(error) && model.simulation.faults === 0) write?.forget();
        if (isOciStoreError(error, "MISSING_CONTENT", "UPLOAD_UNKNOWN") && model.isOrderly && !o.resume) {
          throw new Violation(`what a session holds is gone: ${error.message}`, { cause: error });
        }
        throw error;
      }
    },
  };
}

/** All that is below a document, unless it is there: then that is held. */
async function bring(
  repository: Repository,
  session: Session,
  document: Document,
  o: PushOptions,
  process: Process,
): Promise<ReadonlySet<Digest>> {
  const held = o.ask ? await asked(repository, session, document) : new Set<Digest>();
  if (held.has(document.digest)) return held;
  for (const child of document.children) if (!held.has(child.digest)) await put(session, child, []);
  for (const name of document.blobs) if (!held.has(blobDigest(name))) await putBlob(session, name, o, process);
  return held;
}

/** As a copy does: what is held are bytes, and whether a manifest is one here is the next question. */
async function asked(repository: Repository, session: Session, document: Document): Promise<ReadonlySet<Digest>> {
  const held = new Set(await session.has([...closureOf(document).keys()]));
  for (const digest of [...held]) {
    if (documentOf(digest) && !(await repository.find(digest))) held.delete(digest);
  }
  return held;
}

async function putBlob(session: Session, name: BlobName, o: PushOptions, { env }: Process): Promise<void> {
  const { resume, halts } = o;
  const stream = BLOBS[name];
  if (halts !== undefined) {
    await session.putBlob(inHalves(stream, () => env.sleep(halts)));
    return;
  }
  if (resume) await session.putBlob({ stream, digest: blobDigest(name), size: stream.length }, { resume: true });
  else await session.putBlob(stream);
}

async function* inHalves(bytes: Uint8Array, between: () => Promise<void>): AsyncGenerator<Uint8Array> {
  const middle = Math.ceil(bytes.length / 2);
  yield bytes.subarray(0, middle);
  await between();
  yield bytes.subarray(middle);
}

/** A root of its own, which has to be there at the end. */
export function keep(document: Document): Operation {
  return {
    name: `push ${document.name} to stay`,
    mayFail: ["MISSING_CONTENT", "UPLOAD_UNKNOWN"],
    async run({ repository, model }) {
      await repository.session(async (session) => {
        await put(session, document, []);
        model.kept.add(document);
      });
    },
  };
}

export function tag(document: Document, name: string): Operation {
  return {
    name: `tag ${document.name} as ${name}`,
    mayFail: ["NOT_FOUND", "MISSING_CONTENT"],
    async run({ repository, model }) {
      const write = model.history.begin(name, document.digest);
      await refusable(model, write, () => repository.tag(document.digest, name));
      write.acknowledge();
    },
  };
}

export function untag(name: string): Operation {
  return {
    name: `untag ${name}`,
    mayFail: ["NOT_FOUND"],
    async run({ repository, model }) {
      const write = model.history.begin(name, undefined);
      await refusable(model, write, () => repository.untag(name));
      write.acknowledge();
    },
  };
}

/** @param reference A tag, or a digest. */
export function remove(reference: string, o: DeleteOptions & { readonly pause?: Ms } = {}): Operation {
  const { pause, ...options } = o;
  const document = documentOf(reference as Digest);
  const what = document ? `manifest ${document.name}` : `tag ${reference}`;
  return {
    name: `delete ${what}${options.window ? " with a window" : ""}${options.children ? ", its children stay" : ""}`,
    mayFail: ["NOT_FOUND", "IN_USE", "CONFLICT"],
    async run({ repository, store, process, model }) {
      const plan = await repository.planDelete(reference, options);
      if (pause !== undefined) await process.env.sleep(pause);
      const writes = tagsTakenBy(plan).map(({ name, value, isCertain }) => {
        model.take(name, value);
        return model.history.begin(name, undefined, isCertain ? undefined : value);
      });
      const all = {
        forget: () => {
          for (const write of writes) write.forget();
        },
      };
      await refusable(model, all, () => store.apply(plan));
      for (const write of writes) write.acknowledge();
    },
  };
}

/** A tag that was named is taken, or nothing is; the tags of a manifest that was named go if they are still on it. */
function tagsTakenBy({ header }: Plan): { name: string; value: Digest; isCertain: boolean }[] {
  const steps = header.changes.flatMap((change) => change.steps);
  const untags = steps.filter((step) => step.do === "untag");
  const named = new Set(untags.map(({ name }) => name));
  return [
    ...untags.map(({ name, expect }) => ({ name, value: expect!, isCertain: true })),
    ...steps
      .filter((step) => step.do === "remove")
      .flatMap(({ manifest, tags = [] }) =>
        tags.filter((name) => !named.has(name)).map((name) => ({ name, value: manifest, isCertain: false })),
      ),
  ];
}

export function collect(o: CollectOptions & { readonly pause?: Ms } = {}): Operation {
  const { pause, ...options } = o;
  return {
    name: `collect${o.grace === undefined ? "" : ` with grace ${o.grace}`}`,
    mayFail: ["LOCKED", "CONFLICT"],
    async run({ store, process }) {
      if (pause === undefined) return void (await store.collect(options));
      const plan = await store.planCollect(options);
      await process.env.sleep(pause);
      await store.apply(plan);
    },
  };
}

export function undo(o: UndoOptions = {}): Operation {
  return {
    name: `undo${o.moved ? `, moved tags: ${o.moved}` : ""}`,
    mayFail: ["NOT_FOUND", "CONFLICT", "MISSING_CONTENT"],
    async run({ store, model }) {
      const { writes, end } = model.beginUndo();
      const forget = (except: ReadonlySet<string> = new Set()) => {
        for (const [key, write] of writes) if (!except.has(key)) write.forget();
      };
      try {
        const { tags } = await refusable(model, { forget }, () => store.undo(undefined, o));
        const back = new Set(tags.map(({ name, digest }) => `${name} ${digest}`));
        for (const key of back) {
          if (!writes.has(key)) throw new Violation(`undo brought back ${key}, which nobody had taken`);
          writes.get(key)!.acknowledge();
        }
        forget(back);
      } finally {
        end();
      }
    },
  };
}

/** Reads all that a tag leads to; it must be the target of some moment, and whole unless that is being taken away. */
export function read(name: string): Operation {
  return {
    name: `read ${name}`,
    mayFail: [],
    async run({ repository, model }) {
      const from = model.time;
      const found = await repository.find(name);
      const allowed = model.history.allowed(name, from, model.time);
      if (!allowed.has(found?.digest)) throw new Violation(`${name} was on ${found?.digest} for a reader`);
      const document = found && documentOf(found.digest);
      if (!document) return;
      try {
        for (const [digest, bytes] of closureOf(document)) {
          if (Buffer.compare(await repository.bytes(digest), bytes) !== 0)
            throw new Violation(`${digest} has other bytes`);
        }
      } catch (error) {
        // Only if it may have been taken away meanwhile.
        const isStill = model.history.allowed(name, from, model.time).size === 1;
        if (!isOciStoreError(error, "NOT_FOUND") || isStill) throw error;
      }
    },
  };
}

export function pin(document: Document, name: string): Operation {
  return {
    name: `pin ${document.name}`,
    mayFail: ["NOT_FOUND", "MISSING_CONTENT"],
    run: ({ repository }) => repository.pin(document.digest, name),
  };
}

export function unpin(name: string): Operation {
  return { name: `unpin ${name}`, mayFail: ["NOT_FOUND"], run: ({ repository }) => repository.unpin(name) };
}

export const emptyTrash: Operation = {
  name: "empty the trash",
  mayFail: ["NOT_FOUND"],
  run: async ({ store }) => void (await store.emptyTrash()),
};

export const repair: Operation = {
  name: "fsck --repair",
  mayFail: [],
  async run({ store }) {
    for await (const _ of store.check({ repair: true }));
  },
};

export function wait(ms: Ms): Operation {
  return { name: "wait", mayFail: [], run: ({ process }) => process.env.sleep(ms) };
}

/** Says what would be done, and does nothing. */
export const foresee: Operation = {
  name: "dry runs",
  mayFail: ["NOT_FOUND", "IN_USE"],
  async run({ store, repository }) {
    await store.planCollect({ grace: 0 });
    for await (const _ of store.check({ repair: true, dryRun: true }));
    await repository.planDelete("c");
  },
};

/** Nothing has happened: the store has said no. */
function isRefusal(error: unknown): boolean {
  return isOciStoreError(error, "NOT_FOUND", "CONFLICT", "IN_USE", "MISSING_CONTENT", "LOCKED");
}

async function refusable<T>(model: Model, write: { forget(): void }, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // After a failure that was injected, what is said last need not be said of the first try.
    if (isRefusal(error) && model.simulation.faults === 0) write.forget();
    throw error;
  }
}
