import { Worker } from "node:worker_threads";
import {
  ABSENT,
  type BulkAnswer,
  type BulkRequest,
  DIRECTORY,
  FIELDS,
  FILE,
  serveBulk,
  UNKNOWN,
  UNREAD,
} from "./bulk-worker.ts";
import type { FileKind, FileStat } from "./file-system.ts";

/** A file as it was found, with its bytes if they were asked for, and it is a regular file and not too long. */
export interface Found {
  readonly stat: FileStat;
  readonly bytes?: Uint8Array;
}

export type Answer = Found | "absent" | "unknown";

/** Of a file that is read at once. */
export const SMALL_FILE = 64 * 1024;
/** In the place of a limit. */
export const NO_BYTES = -1;

type Settle = (answer: BulkAnswer | undefined) => void;

/** The one thread of this process that looks at files in lots. */
export class BulkThread {
  static #thread: BulkThread | "none" | undefined;
  readonly #worker: Worker;
  readonly #asked = new Map<number, Settle>();
  #count = 0;

  /** `undefined` where there can be none: it is a quicker way to the same answers, and nothing depends on it. */
  static get(): BulkThread | undefined {
    try {
      BulkThread.#thread ??= new BulkThread();
    } catch {
      BulkThread.#thread = "none";
    }
    return BulkThread.#thread === "none" ? undefined : BulkThread.#thread;
  }

  private constructor() {
    this.#worker = new Worker(`(${serveBulk})()`, { eval: true, execArgv: [] });
    this.#worker.unref();
    this.#worker.on("message", (answer: BulkAnswer) => this.#settle(answer.id, answer));
    this.#worker.on("error", () => this.#end());
    this.#worker.on("exit", () => this.#end());
  }

  /** What lies at each path, with the bytes of files of at most `limit`; `undefined` if the thread has died. */
  async ask(paths: readonly string[], limit: number): Promise<readonly Answer[] | undefined> {
    const id = this.#count++;
    const answer = await new Promise<BulkAnswer | undefined>((resolve) => {
      // Whoever waits for an answer keeps the process alive; the thread by itself does not.
      if (this.#asked.size === 0) this.#worker.ref();
      this.#asked.set(id, resolve);
      const request: BulkRequest = { id, paths: paths.join("\0"), limit };
      this.#worker.postMessage(request);
    });
    return answer && answersIn(answer);
  }

  #settle(id: number, answer: BulkAnswer | undefined): void {
    const settle = this.#asked.get(id);
    this.#asked.delete(id);
    if (this.#asked.size === 0) this.#worker.unref();
    settle?.(answer);
  }

  #end(): void {
    BulkThread.#thread = "none";
    for (const id of [...this.#asked.keys()]) this.#settle(id, undefined);
  }
}

function answersIn({ numbers, identities, bytes }: BulkAnswer): Answer[] {
  const answers: Answer[] = [];
  let start = 0;
  for (let at = 0, place = 0; at < numbers.length; at += FIELDS, place++) {
    const kind = numbers[at]!;
    if (kind === UNKNOWN || kind === ABSENT) {
      answers.push(kind === ABSENT ? "absent" : "unknown");
      continue;
    }
    const stat: FileStat = {
      kind: kindOf(kind),
      size: numbers[at + 1]!,
      modified: numbers[at + 2]!,
      identity: `${identities[place * 2]}:${identities[place * 2 + 1]}`,
      mode: numbers[at + 3]!,
    };
    const length = numbers[at + 4]!;
    if (length === UNREAD) {
      answers.push({ stat });
      continue;
    }
    // Of their own, and not a view: who keeps those of one file is not to keep those of all.
    answers.push({ stat, bytes: bytes.slice(start, start + length) });
    start += length;
  }
  return answers;
}

const kindOf = (kind: number): FileKind => (kind === FILE ? "file" : kind === DIRECTORY ? "directory" : "other");
