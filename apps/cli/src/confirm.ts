import { createInterface } from "node:readline/promises";
import type { Context } from "./context.ts";
import { refused } from "./errors.ts";

/** Whether there is somebody to ask: who cannot see the plan or cannot answer is not asked. */
export function canAsk({ io }: Context): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY === true;
}

/**
 * Without `--yes` and without anybody to ask nothing is destroyed.
 *
 * @param look What shows what would go, where `-n` does not.
 */
export function mustBeAllowed(
  context: Context,
  o: { readonly yes?: boolean | undefined },
  look = "-n to see what it would do",
): void {
  if (o.yes || canAsk(context)) return;
  throw refused("nobody is there to be asked", `--yes to do it, ${look}`);
}

/** Asks on stderr. Only `y` and `yes` are a yes; an end of input is a no. */
export async function confirm({ io, signal }: Context, question: string): Promise<void> {
  const reader = createInterface({ input: io.stdin, output: io.stderr, terminal: false });
  const ended = new Promise<string>((resolve) => reader.once("close", () => resolve("")));
  try {
    const answer = await Promise.race([reader.question(`${question} [y/N] `, { signal }), ended]);
    if (!/^y(es)?$/i.test(answer.trim())) throw refused("not done, as you did not say yes");
  } finally {
    reader.close();
  }
}
