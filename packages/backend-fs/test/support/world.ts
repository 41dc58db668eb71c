import { seeded } from "@ocistore/backend-suite";
import type { Environment, Ms, Policy, Repository, Store } from "@ocistore/core";
import type { FileSystem } from "../../src/files/file-system.ts";
import { initLayout, type OpenLayoutOptions, openLayout } from "../../src/index.ts";
import { Paths } from "../../src/layout/paths.ts";
import { openLock } from "../../src/lock/choose-lock.ts";
import { actorFileSystem, clockedFileSystem, Steps } from "./actor-file-system.ts";
import { FakeProcesses } from "./fake-processes.ts";
import type { Place } from "./file-systems.ts";
import { ForeignTool } from "./foreign-tool.ts";

export const HOUR: Ms = 60 * 60_000;

/** Time stands still until a test moves it; chance is the same in every run. */
export class ManualClock implements Environment {
  #now = 1_764_000_000_000;
  readonly #chance: () => number;

  constructor(seed = 1) {
    this.#chance = seeded(seed);
  }

  now(): Ms {
    return this.#now;
  }

  advance(ms: Ms): void {
    this.#now += ms;
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

/** What is as good as a process: a store object of its own, with its own view of the disk. */
export interface Actor {
  readonly pid: number;
  readonly fs: FileSystem;
  readonly store: Store;
  readonly repository: Repository;
  readonly steps: Steps;
  /** SIGKILL. The others see that it is dead. */
  die(): void;
}

/** One directory, several processes, and a clock that only the test moves. */
export class World {
  static #made = 0;
  readonly clock: ManualClock;
  readonly directory: string;
  readonly paths: Paths;
  /** Without steps, gates and faults: for the test itself. */
  readonly disk: FileSystem;
  readonly #processes = new FakeProcesses();
  readonly #number = ++World.#made;
  #actors = 0;

  constructor(place: Place, seed?: number) {
    this.clock = new ManualClock(seed);
    this.directory = `${place.directory}/layout`;
    this.disk = clockedFileSystem(place.fs, this.clock);
    this.paths = new Paths(this.directory);
  }

  static async make(place: Place, policy?: Policy): Promise<World> {
    const world = new World(place);
    await initLayout(world.directory, { fs: world.disk, env: world.clock, policy });
    return world;
  }

  /** @param through What lies between this actor and the disk, besides its steps. */
  async actor(o: OpenLayoutOptions = {}, through?: (disk: FileSystem) => FileSystem): Promise<Actor> {
    const { pid, fs, steps, die } = await this.stranger(through);
    const probe = this.#processes.probe(pid);
    const lock = await openLock(fs, this.paths.lock, this.clock, { kind: "link", probe });
    const store = await openLayout(this.directory, { fs, env: this.clock, lock, probe, ...o });
    steps.restart();
    return { pid, fs, steps, die, store, repository: store.repository() };
  }

  /** A process that has not opened the layout; there may be none yet. */
  async stranger(through = (disk: FileSystem) => disk): Promise<Actor> {
    const pid = ++this.#actors;
    const steps = new Steps();
    const fs = actorFileSystem(through(this.disk), steps, `process ${pid} of world ${this.#number}`);
    const unopened = (): never => {
      throw new Error("this process has not opened the layout");
    };
    return {
      pid,
      fs,
      steps,
      die: () => {
        steps.kill();
        this.#processes.liveness.set(pid, "dead");
      },
      get store() {
        return unopened();
      },
      get repository() {
        return unopened();
      },
    };
  }

  foreign(): ForeignTool {
    return new ForeignTool(this.disk, this.paths);
  }
}
