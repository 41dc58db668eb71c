import type { Digest } from "@ocistore/core";
import type { Document } from "./content.ts";
import { type Begun, History } from "./history.ts";
import type { Simulation } from "./simulation.ts";

interface Taken {
  readonly tag: string;
  readonly value: Digest;
}

/** The store has broken a promise. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** What the processes of a run were told, and what follows from it. */
export class Model {
  readonly simulation: Simulation;
  readonly history: History;
  /** Stored as roots of their own, and acknowledged; nobody takes them away. */
  readonly kept = new Set<Document>();
  /** Referrers that somebody was told are attached. */
  readonly attached = new Set<Document>();
  readonly #taken = new Map<string, Taken>();
  readonly #undos = new Set<(taken: Taken) => void>();
  #time = 0;

  constructor(simulation: Simulation) {
    this.simulation = simulation;
    this.history = new History(() => ++this.#time);
  }

  /** A deletion has taken a tag, or may have: every undo that is not over yet may bring it back. */
  take(tag: string, value: Digest): void {
    const taken = { tag, value };
    this.#taken.set(`${tag} ${value}`, taken);
    for (const undo of this.#undos) undo(taken);
  }

  /** What an undo may bring back while it runs. */
  beginUndo(): { readonly writes: ReadonlyMap<string, Begun>; end(): void } {
    const writes = new Map<string, Begun>();
    const add = ({ tag, value }: Taken) => {
      const key = `${tag} ${value}`;
      if (!writes.has(key)) writes.set(key, this.history.begin(tag, value));
    };
    this.#taken.forEach(add);
    this.#undos.add(add);
    return { writes, end: () => void this.#undos.delete(add) };
  }

  /** What is judged by when all is over. */
  get expected(): string {
    const tags = this.history.tags.map((tag) => [tag, ...[...this.history.allowed(tag)].map(String).sort()]);
    return JSON.stringify([tags.sort(), [...this.kept].map(({ name }) => name).sort()]);
  }

  get time(): number {
    return ++this.#time;
  }

  /** Whether every failure is one of the store's own, and every claim has the time that it was promised. */
  get isOrderly(): boolean {
    return this.simulation.faults === 0 && this.simulation.jumped === 0;
  }
}
