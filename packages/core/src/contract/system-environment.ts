import { randomBytes } from "node:crypto";
import type { Environment } from "./environment.ts";

/** The clock, the timers and the randomness of this process. */
export const systemEnvironment: Environment = {
  now: () => Date.now(),
  random: (bytes) => new Uint8Array(randomBytes(bytes)),
  sleep: (ms, { signal } = {}) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const abort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", abort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", abort, { once: true });
    }),
};
