import { fsyncSync, openSync, readFileSync, writeSync } from "node:fs";

/** What an operation makes of a tag; `null` takes it away. */
export interface Effect {
  readonly tag: string;
  readonly to: string | null;
}

/** What is written down before an operation begins. */
export interface Intent {
  readonly what: string;
  readonly effects?: readonly Effect[];
  /** Manifests that are to be there at the end, since nothing ever takes them away. */
  readonly keeps?: readonly string[];
  /** Digests that a deletion is about to take. */
  readonly takes?: readonly string[];
}

/** What is written down when it is over. */
export interface Ending {
  readonly outcome: "done" | "refused" | "failed";
  readonly code?: string;
  readonly message?: string;
  /** Where only the end shows them, in place of those of the intent. */
  readonly effects?: readonly Effect[];
  /** How much it has dealt with. */
  readonly count?: number;
}

/** One look at a tag, and at all that it names. */
export interface Look {
  readonly what: "read" | "plain read" | "look after a drop";
  readonly tag: string;
  readonly start: number;
  readonly end: number;
  /** What the tag was on. */
  readonly saw: string | null;
  /** What was wrong with what it names. */
  readonly broken?: string;
  /** What of it was not there. */
  readonly missing?: readonly string[];
}

export type Line =
  | ({ readonly n: number; readonly at: number } & ({ readonly begin: Intent } | { readonly end: Ending }))
  | { readonly look: Look };

/** Milliseconds of the one clock that all processes of a machine share and nobody sets. */
export const clock = (): number => Number(process.hrtime.bigint()) / 1e6;

/** A file of one process, outside of the store, each line of which is durable before anything else happens. */
export class Journal {
  readonly #file: number;
  #last = 0;

  constructor(path: string) {
    this.#file = openSync(path, "a");
  }

  begin(intent: Intent): number {
    const n = ++this.#last;
    this.write({ n, at: clock(), begin: intent });
    return n;
  }

  end(n: number, ending: Ending): void {
    this.write({ n, at: clock(), end: ending });
  }

  write(line: Line): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
    fsyncSync(this.#file);
  }
}

/** What a process has written; the last line of one that was killed may be cut off. */
export function readJournal(path: string): Line[] {
  const lines = readFileSync(path, "utf8").split("\n");
  lines.pop();
  return lines.map((line) => JSON.parse(line) as Line);
}
