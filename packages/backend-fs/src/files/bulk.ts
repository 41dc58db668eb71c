import { type Answer, BulkThread, type Found, NO_BYTES, SMALL_FILE } from "./bulk-thread.ts";
import type { FileSystem } from "./file-system.ts";

/** Fewer at a time are not worth another thread. */
const MANY = 32;
/** As many in one batch, so that bytes of at most 16 MiB are on their way. */
const BATCH = 256;

type Single = (path: string) => Promise<Found | undefined>;

interface Waiting {
  readonly path: string;
  readonly resolve: (found: Found | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Looks at many files for the price of few: those that are asked for at once go to a thread of its own as one batch. A store
 * asks for each of its manifests whenever its graph is made, and most of what that costs in Node is the way of each single
 * call to another thread and back.
 *
 * Few are left to the calls that they would otherwise be, and so is everything where there can be no such thread.
 */
export class Bulk {
  readonly #read: boolean;
  readonly #single: Single;
  #queue: Waiting[] = [];

  constructor(single: Single, o: { readonly read: boolean }) {
    this.#single = single;
    this.#read = o.read;
  }

  get(path: string): Promise<Found | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#queue.push({ path, resolve, reject }) > 1) return;
      // After all who are about to ask as well.
      process.nextTick(() => this.#flush());
    });
  }

  #flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    const thread = queue.length >= MANY ? BulkThread.get() : undefined;
    if (!thread) for (const each of queue) this.#alone(each);
    else for (let at = 0; at < queue.length; at += BATCH) void this.#together(thread, queue.slice(at, at + BATCH));
  }

  async #together(thread: BulkThread, batch: readonly Waiting[]): Promise<void> {
    const paths = batch.map(({ path }) => path);
    const answers = await thread.ask(paths, this.#read ? SMALL_FILE : NO_BYTES);
    for (const [place, each] of batch.entries()) {
      const answer = answers?.[place];
      // What the thread could not tell is asked once more, so that whoever hears of a failure hears the platform's own words.
      if (answer === undefined || answer === "unknown") this.#alone(each);
      else each.resolve(answer === "absent" ? undefined : answer);
    }
  }

  #alone({ path, resolve, reject }: Waiting): void {
    this.#single(path).then(resolve, reject);
  }
}

/** By file system: whole small files, for `readWhole`. A file system that wraps another is asked call by call. */
const readers = new WeakMap<FileSystem, Bulk>();

/** From now on many files of this file system, which are those of this machine, may be read at once. */
export function readInBulk(fs: FileSystem): void {
  readers.set(fs, READS);
}

/** Who gets nothing reads by himself. */
const READS = new Bulk(async () => undefined, { read: true });

/** The bytes of a small regular file, where that is the quicker way; `undefined` does not say that there is none. */
export async function quickRead(fs: FileSystem, path: string): Promise<Uint8Array | undefined> {
  return (await readers.get(fs)?.get(path))?.bytes;
}

/**
 * What lies at each path, as far as it can be told together: `undefined` does not say that nothing does.
 *
 * @param o.limit With the bytes of regular files that are no longer.
 */
export async function lookAtAll(
  fs: FileSystem,
  paths: readonly string[],
  o: { readonly limit?: number } = {},
): Promise<readonly (Found | undefined)[]> {
  const thread = paths.length >= MANY && readers.has(fs) ? BulkThread.get() : undefined;
  const answers: Promise<readonly Answer[] | undefined>[] = [];
  for (let at = 0; thread && at < paths.length; at += BATCH) {
    answers.push(thread.ask(paths.slice(at, at + BATCH), o.limit ?? NO_BYTES));
  }
  const batches = await Promise.all(answers);
  return paths.map((_, place) => {
    const answer = batches[Math.floor(place / BATCH)]?.[place % BATCH];
    return typeof answer === "object" ? answer : undefined;
  });
}
