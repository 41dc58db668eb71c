import type { Environment } from "@ocistore/core";
import type { Liveness, Owner, OwnerProbe } from "../../src/lock/owner.ts";

/** Processes that live and die as a test says. */
export class FakeProcesses {
  /** By pid; alive unless told. */
  readonly liveness = new Map<number, Liveness>();

  /** What a process of this pid knows about the others. */
  probe(pid: number, owner: Partial<Owner> = {}): OwnerProbe {
    return {
      self: async () => ({ pid, host: "host-a", ...owner }),
      liveness: async (other) => this.liveness.get(other.pid) ?? "alive",
    };
  }
}

/** A clock that only `sleep` moves, and chance without any. */
export function fakeEnvironment(): Environment & { slept: number } {
  let count = 0;
  const env = {
    slept: 0,
    now: () => env.slept,
    random: (bytes: number) => Uint8Array.from({ length: bytes }, () => count++ % 256),
    sleep: async (ms: number, { signal }: { signal?: AbortSignal | undefined } = {}) => {
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
      env.slept += ms;
    },
  };
  return env;
}
