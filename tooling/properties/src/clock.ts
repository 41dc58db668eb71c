import type { Environment } from "@ocistore/core";

/** A clock that stands still until it is told to go on, and numbers that come in the same order in every run. */
export interface ManualClock extends Environment {
  advance(ms: number): void;
}

export function manualClock(startsAt = 1_700_000_000_000): ManualClock {
  let now = startsAt;
  let drawn = 0;
  return {
    now: () => now,
    random: (bytes) => {
      const value = new Uint8Array(bytes);
      new DataView(value.buffer).setUint32(Math.max(0, bytes - 4), ++drawn);
      return value;
    },
    sleep: async (ms) => {
      now += ms;
    },
    advance: (ms) => {
      now += ms;
    },
  };
}
