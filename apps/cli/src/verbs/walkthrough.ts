import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { isRefName } from "@ocistore/core";
import type { Command } from "commander";
import { Context } from "../context.ts";
import { usage } from "../errors.ts";
import { dim } from "../output/line.ts";
import { type Place, shellWord } from "../place.ts";
import { type Action, run } from "../run.ts";
import { build } from "../walkthrough/build.ts";
import { Guide } from "../walkthrough/guide.ts";
import { lookAround, tellStory } from "../walkthrough/story.ts";

export function addWalkthrough(program: Command, action: Action): void {
  program
    .command("walkthrough")
    .description("build a small store and walk through it, verb by verb; or look at one of yours, changing nothing")
    .argument("[place]", "oci:DIR to look at")
    .option("--keep <dir>", "build it there, in a directory that is empty or not there yet, and leave it")
    .action(
      action(async (context, text: string | undefined, o: { keep?: string }) => {
        if (context.out.json) throw usage("a walkthrough is for people", "leave --json away");
        if (text === undefined) await walk(context, o.keep);
        else if (o.keep !== undefined)
          throw usage("--keep is for what is built, and a store is named", "leave one of them away");
        else await look(context, fromHere(context).place(text));
      }),
    );
}

/** `pnpm start` runs in the directory of the workspace, and not where its user is. */
function fromHere(context: Context): Context {
  const { io, out, signal } = context;
  const { npm_lifecycle_event: script, INIT_CWD: cwd } = io.env;
  return script === "start" && cwd ? new Context({ ...io, cwd }, out, { signal, store: undefined }) : context;
}

function guideOf(context: Context): Guide {
  const { io, signal } = context;
  // What a command says on stderr is part of the story, and has to stand where it belongs.
  const stderr = io.stdout;
  return new Guide(context, (argv) => run(argv, { ...io, stderr, signal }));
}

async function walk(context: Context, keep: string | undefined): Promise<void> {
  const { out, signal } = context;
  const temporary = keep === undefined ? await mkdtemp(join(tmpdir(), "ocistore-")) : undefined;
  const directory = temporary === undefined ? resolve(fromHere(context).io.cwd, keep!) : join(temporary, "store");
  try {
    const place = `oci:${directory}`;
    const { base } = await build(directory, signal);
    const guide = guideOf(context);
    guide.say("A walk through ocistore, on a store that was just built for it. Each command is one that you can type.");
    await tellStory(guide, place, base);
    out.text("");
    if (temporary === undefined) out.text(`The store is in ${directory}.`);
    else out.text("The store was in a temporary directory, and is gone now; --keep DIR leaves one to play with.");
  } finally {
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  }
}

async function look(context: Context, place: Place): Promise<void> {
  const tags: string[] = [];
  await context.with(place, { write: false }, async (store) => {
    for await (const { name } of store.repository().tags({ signal: context.signal }))
      if (isRefName(name)) tags.push(name);
  });
  await lookAround(guideOf(context), `${place.scheme}:${place.directory}`, tags);
  context.out.text("");
  context.out.text(dim(`Nothing in ${shellWord(place.directory)} was changed.`));
}
