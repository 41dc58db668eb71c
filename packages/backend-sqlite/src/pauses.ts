import type { Environment, Ms, Signal } from "@ocistore/core";

/** How long a command or a walk through the graph may keep everything else of this process waiting. */
const BREATH: Ms = 20;

/** A pause for what is under way: nothing, until it has gone on for long. */
export function pauses(env: Environment, o: Signal): () => Promise<void> {
  let since = env.now();
  return async () => {
    if (env.now() - since < BREATH) return;
    await env.sleep(0, o);
    since = env.now();
  };
}
