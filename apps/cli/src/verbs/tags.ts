import { type Command, InvalidArgumentError } from "commander";
import type { Action } from "../run.ts";

export function addTags(program: Command, action: Action): void {
  program
    .command("tags")
    .description("the names of all tags, one a line, in the order of ASCII")
    .argument("[place]", "oci:DIR")
    .option("--last <tag>", "only those after this one, which need not be there")
    .option("--limit <n>", "at most so many", whole)
    .action(
      action(async (context, text: string | undefined, o: { last?: string; limit?: number }) => {
        const { out, signal } = context;
        await context.with(context.place(text), { write: false }, async (store) => {
          for await (const { name, digest } of store.repository().tags({ signal, after: o.last, limit: o.limit })) {
            signal.throwIfAborted();
            out.result({ tag: name, digest }, name);
            await out.flow();
          }
        });
      }),
    );
}

function whole(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("a whole number above 0 is wanted.");
  return Number(text);
}
