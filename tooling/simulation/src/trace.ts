/** What has happened, in order: calls that completed, and what processes said. */
export interface TraceEntry {
  readonly process: string;
  readonly kind: "call" | "note";
  readonly text: string;
}

export class Trace {
  readonly entries: TraceEntry[] = [];
  readonly #names: ReadonlyMap<string, string>;

  /** @param names What stands for the hex of a digest. */
  constructor(names: ReadonlyMap<string, string>) {
    this.#names = names;
  }

  add(process: string, kind: TraceEntry["kind"], text: string): void {
    this.entries.push({ process, kind, text });
  }

  /** Whether entries like these come in this order. */
  has(...wanted: readonly ((entry: TraceEntry) => boolean)[]): boolean {
    let next = 0;
    for (const entry of this.entries) if (next < wanted.length && wanted[next]!(entry)) next++;
    return next === wanted.length;
  }

  toString(): string {
    const width = Math.max(...this.entries.map(({ process }) => process.length), 0);
    return this.entries
      .map(({ process, kind, text }) => `${process.padEnd(width)} ${kind === "note" ? "»" : " "} ${this.#named(text)}`)
      .join("\n");
  }

  #named(text: string): string {
    return text.replace(/(?:sha256[:/-])?([0-9a-f]{64})/g, (all, hex) => this.#names.get(hex) ?? all);
  }
}
