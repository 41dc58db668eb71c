import type { Digest } from "@ocistore/core";

/** A tag was, or may have been, put on something; `undefined`: taken away. */
interface Write {
  readonly tag: string;
  readonly value: Digest | undefined;
  /** It happened only if the tag was on this. */
  readonly onlyOn: Digest | undefined;
  readonly from: number;
  /** When it was acknowledged; never, if it is not certain that it happened. */
  to: number;
}

export interface Begun {
  acknowledge(): void;
  /** It has not happened, and will not. */
  forget(): void;
}

/**
 * What tags may be on, by what was acknowledged. A write that was acknowledged before another began is older than that; of
 * writes that overlap either may be the last.
 */
export class History {
  readonly #writes: Write[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** How it was before the run. */
  initially(tag: string, value: Digest): void {
    this.#writes.push({ tag, value, onlyOn: undefined, from: -1, to: -1 });
  }

  get tags(): readonly string[] {
    return [...new Set(this.#writes.map(({ tag }) => tag))];
  }

  /** It may happen from now on. */
  begin(tag: string, value: Digest | undefined, onlyOn?: Digest): Begun {
    const write: Write = { tag, value, onlyOn, from: this.#now(), to: Number.POSITIVE_INFINITY };
    this.#writes.push(write);
    return {
      acknowledge: () => {
        write.to = this.#now();
      },
      forget: () => void this.#writes.splice(this.#writes.indexOf(write), 1),
    };
  }

  /** What a look that began and ended then may have seen; the end of the run unless given. */
  allowed(tag: string, from = Number.POSITIVE_INFINITY, to = from): ReadonlySet<Digest | undefined> {
    const writes = this.#writes.filter((write) => write.tag === tag);
    const isOver = (write: Write) =>
      writes.some(
        ({ from: begun, to: ended, onlyOn }) =>
          begun > write.to && ended < from && (onlyOn === undefined || onlyOn === write.value),
      );
    const present = writes.filter((write) => write.from <= to && !isOver(write)).map(({ value }) => value);
    // Nobody had put it on anything before the first did, unless it was there from the beginning.
    const wasThere = writes.some(({ from }) => from < 0);
    const isSure = wasThere || writes.some((write) => write.to < from);
    return new Set(isSure ? present : [...present, undefined]);
  }

  /** Every value that a tag ever had, or may have had. */
  values(tag: string): readonly (Digest | undefined)[] {
    return this.#writes.filter((write) => write.tag === tag).map(({ value }) => value);
  }
}
