import { printable } from "@ocistore/core";
import { Argument, type Command } from "commander";
import { candidates } from "../completion/candidates.ts";
import { SCRIPTS } from "../completion/scripts.ts";
import type { Action } from "../run.ts";

const encoder = new TextEncoder();

export function addCompletion(program: Command, action: Action): void {
  program
    .command("completion")
    .description("what makes a shell complete verbs, options, stores, and the tags in them")
    .addArgument(new Argument("<shell>", "which shell; the script says where it goes").choices(Object.keys(SCRIPTS)))
    .action(
      action(async ({ out }, shell: string) => {
        const script = SCRIPTS[shell]!;
        if (out.json) out.object({ shell, script });
        else out.raw(encoder.encode(script));
      }),
    );
  // What the scripts ask; a line each, the word, a tab, and what it is.
  program
    .command("complete", { hidden: true })
    .argument("[words...]")
    .action(
      action(async (context, words: string[]) => {
        // How PowerShell has to write an empty word.
        const typed = words.map((word) => (word === '""' ? "" : word));
        for (const { word, about } of await candidates(context, program, typed)) {
          context.out.object({ word, about });
          if (!context.out.json) context.out.raw(encoder.encode(`${word}\t${printable(about ?? "")}\n`));
        }
      }),
    );
}
