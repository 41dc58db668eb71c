import { isOciStoreError, type Undone } from "@ocistore/core";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { notFound, refused, usage } from "../errors.ts";
import { count } from "../output/words.ts";
import { formatPlace, type Place } from "../place.ts";
import type { Action } from "../run.ts";
import { isRunId } from "../run-id.ts";

interface Options {
  readonly leaveTags?: boolean;
  readonly takeTags?: boolean;
}

export function addUndo(program: Command, action: Action): void {
  program
    .command("undo")
    .description("bring back what rm or gc took, all of it or nothing; the latest run unless one is named")
    .argument("[run]", "as `trash ls` lists it")
    .argument("[place]", "oci:DIR")
    .option("--leave-tags", "a tag that is on something else by now stays there")
    .option("--take-tags", "a tag that is on something else by now is taken back")
    .action(
      action(async (context, first: string | undefined, second: string | undefined, o: Options) => {
        if (o.leaveTags && o.takeTags) throw usage("--leave-tags and --take-tags together", "give one of them");
        const { run, place } = wordsOf(context, first, second);
        const moved = o.leaveTags ? "leave" : o.takeTags ? "take" : undefined;
        await context.with(place, { write: true }, async (store) => {
          const { window } = await store.policy({ signal: context.signal });
          context.isChanging = true;
          try {
            print(context, await store.undo(run, { signal: context.signal, moved }));
          } catch (error) {
            throw explainedUndo(error, { run, place, window });
          }
        });
      }),
    );
}

/** `undo`, `undo RUN`, `undo PLACE`, `undo RUN PLACE`. */
function wordsOf(
  context: Context,
  first: string | undefined,
  second: string | undefined,
): { run: string | undefined; place: Place } {
  if (second === undefined) {
    return first !== undefined && isRunId(first)
      ? { run: first, place: context.place(undefined) }
      : { run: undefined, place: context.place(first) };
  }
  if (first === undefined || !isRunId(first)) throw usage(`${first} names no run`, "`ocistore trash ls` lists them");
  return { run: first, place: context.place(second) };
}

function explainedUndo(
  error: unknown,
  { run, place, window }: { run: string | undefined; place: Place; window: number },
): unknown {
  const at = formatPlace(place);
  if (isOciStoreError(error, "NOT_FOUND")) {
    if (run !== undefined)
      return notFound(`no run ${run} is remembered here`, `\`ocistore trash ls ${at}\` lists them`);
    if (window > 0) return notFound("there is nothing to undo", `\`ocistore trash ls ${at}\` says what waits`);
    return refused(
      "this store keeps nothing of what is removed, so nothing can be brought back",
      `\`ocistore config set ${at} window=7d\` keeps it for so long from now on, \`rm --window 7d\` once`,
    );
  }
  if (isOciStoreError(error, "CONFLICT")) {
    return refused(error.message, "--leave-tags brings back the rest, --take-tags takes the tag back too");
  }
  if (isOciStoreError(error, "MISSING_CONTENT")) {
    return refused(
      `a part of it has been erased: ${error.message}`,
      "push that again, and undo then brings back the rest",
    );
  }
  return error;
}

function print({ out }: Context, { run, tags, left, manifests, content }: Undone): void {
  for (const { name, digest } of tags)
    out.result({ restored: name, digest }, `restored ${name}  ${out.digest(digest)}`);
  for (const { name, digest } of left) {
    out.note(
      { left: name, digest },
      `${name} stays where it is by now; ${out.digest(digest)} is back without it, as a root of its own`,
    );
  }
  const summary = { run, tags: tags.length, manifests: manifests.length, content: content.length };
  out.result(
    { summary },
    `brought back ${count(tags.length, "tag")}, ${count(manifests.length, "manifest")}, the bytes of ${count(content.length, "digest")}`,
  );
}
