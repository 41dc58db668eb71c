import { type FileSystem, type Lock, type OwnerProbe, openLayout, openLock } from "@ocistore/backend-fs";
import { type Environment, type Ms, OciStoreError, type Store } from "@ocistore/core";

export const HOUR: Ms = 60 * 60_000;

/** A small seeded generator (mulberry32): numbers from 0 up to 1. Its own, since the child that is killed is compiled alone. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Time that passes only when told, or goes along with the machine's; chance is the same in every run. */
export class Clock implements Environment {
  #offset: number;
  readonly #base: () => number;
  readonly #chance: () => number;

  constructor(base: () => number, seed: number, offset = 0) {
    this.#base = base;
    this.#chance = seeded(seed);
    this.#offset = offset;
  }

  now(): Ms {
    return this.#base() + this.#offset;
  }

  get offset(): Ms {
    return this.#offset;
  }

  advance(ms: Ms): void {
    this.#offset += ms;
  }

  random(bytes: number): Uint8Array {
    return Uint8Array.from({ length: bytes }, () => this.#chance() * 256);
  }

  /** Lets the others have a turn, and takes no time. */
  async sleep(_ms: Ms, { signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }
}

/** Where a layout lies, and what time it is there. */
export interface Place {
  readonly directory: string;
  readonly clock: Clock;
  fileSystem(scope: string): FileSystem;
  /** How processes here keep each other out. */
  readonly lock?: Locking;
}

/** `real`: as anybody has it, and who is dead is asked of the machine. */
export type Locking = "none" | "link" | "real";

/** The lock makes most of the calls; where only one is alive nobody needs it. */
const UNLOCKED: Lock = { acquire: async () => async () => {} };

let made = 0;

/** What is as good as a process: a store object of its own with its own view of the disk. All others are dead. */
export class Process {
  readonly place: Place;
  readonly fs: FileSystem;
  readonly #lock: Locking;
  readonly #probe: OwnerProbe;
  #store: Store | undefined;

  constructor(place: Place, lock: Locking = place.lock ?? "none") {
    const pid = ++made;
    this.place = place;
    this.fs = place.fileSystem(`process ${pid}`);
    this.#lock = lock;
    this.#probe = {
      self: async () => ({ pid, host: "here" }),
      liveness: async (owner) => (owner.pid === pid ? "alive" : "dead"),
    };
  }

  get env(): Clock {
    return this.place.clock;
  }

  async store(): Promise<Store> {
    this.#store ??= await this.#open();
    return this.#store;
  }

  async #open(): Promise<Store> {
    const { fs, env } = this;
    const { directory } = this.place;
    if (this.#lock === "real") return openLayout(directory, { env });
    const probe = this.#probe;
    const lock =
      this.#lock === "none"
        ? UNLOCKED
        : await openLock(fs, `${directory}/.ocistore/lock`, env, { kind: "link", probe });
    return openLayout(directory, { fs, env, lock, probe });
  }
}

/** A collection that has died, for all that the next one can know, is running for two minutes more. */
export async function collected(store: Store, clock: Clock, o: { readonly grace?: Ms } = {}): Promise<void> {
  try {
    await store.collect(o);
  } catch (error) {
    if (!(error instanceof OciStoreError && error.code === "LOCKED")) throw error;
    clock.advance(3 * 60_000);
    await store.collect(o);
  }
}
