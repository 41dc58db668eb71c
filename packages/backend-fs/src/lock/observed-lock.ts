import type { Environment, OnEvent } from "@ocistore/core";
import type { Lock } from "./lock.ts";

/** The same lock; tells how long it took to get it, if it took any time. */
export function observedLock(lock: Lock, env: Environment, emit: OnEvent): Lock {
  return {
    acquire: async (o) => {
      const began = env.now();
      const release = await lock.acquire(o);
      const ms = env.now() - began;
      if (ms > 0) emit({ event: "waited", ms });
      return release;
    },
  };
}
