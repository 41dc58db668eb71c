import { type Environment, type Ms, OciStoreError, type OnEvent, type Signal } from "@ocistore/core";
import { isBusy, toOciStoreError } from "./errors.ts";

/** How long somebody else may keep the lock, until whoever waits is told so. */
const PATIENCE: Ms = 60_000;
const LONGEST_PAUSE: Ms = 16;

/**
 * Tries until no other process has the lock. Nothing is under way while it waits, so that this process goes on.
 *
 * @param o.onEvent Told how long that took, if it took any time.
 * @param attempt Changes nothing if it finds the lock taken.
 * @throws `LOCKED` if another process does not let go.
 */
export async function patiently<T>(
  env: Environment,
  { signal, onEvent }: Signal & { readonly onEvent?: OnEvent | undefined },
  attempt: () => T,
): Promise<T> {
  const start = env.now();
  for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      const result = attempt();
      const ms = env.now() - start;
      if (ms > 0) onEvent?.({ event: "waited", ms });
      return result;
    } catch (error) {
      if (!isBusy(error)) throw toOciStoreError(error);
      const waited = env.now() - start;
      if (waited > PATIENCE) throw new OciStoreError("LOCKED", `the catalog has been locked for ${waited} ms`);
      const [chance = 0] = env.random(1);
      await env.sleep((pause * (1 + chance / 256)) / 2, { signal });
    }
  }
}
