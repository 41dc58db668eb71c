import { printable } from "@ocistore/core";
import { fitted } from "./columns.ts";

/** What can be drawn on: a terminal, and how wide it is now. */
export type ProgressStream = NodeJS.WritableStream & { readonly columns?: number | undefined };

const CLEAR = "\r\x1b[K";
const BETWEEN_MS = 100;

/** One line on a terminal that is written over until the work is done. Elsewhere nothing. */
export class Progress {
  readonly #now: () => number;
  #stream: ProgressStream | undefined;
  #drawn = 0;
  #isShown = false;

  constructor(stream: ProgressStream | undefined, now = Date.now) {
    this.#stream = stream;
    this.#now = now;
  }

  /** At most ten times a second; the text is only made when it is drawn. */
  show(text: () => string): void {
    const now = this.#now();
    if (!this.#stream || now - this.#drawn < BETWEEN_MS) return;
    this.#drawn = now;
    this.#isShown = true;
    // A line that fills the last column wraps on some terminals, and what wraps cannot be written over.
    this.#stream.write(`${CLEAR}${fitted(printable(text()), (this.#stream.columns || 80) - 1)}`);
  }

  clear(): void {
    if (this.#isShown) this.#stream?.write(CLEAR);
    this.#isShown = false;
  }

  /** From now on nothing is drawn. */
  stop(): void {
    this.clear();
    this.#stream = undefined;
  }
}
