import { isOciStoreError, parseRefName } from "@ocistore/core";
import { type Command, InvalidArgumentError, Option } from "commander";
import { explained } from "../context.ts";
import { parseDuration } from "../duration.ts";
import { notFound, usage } from "../errors.ts";
import { exact, formatPlace } from "../place.ts";
import type { Action } from "../run.ts";

interface Options {
  readonly for?: number;
  readonly until?: number;
}

export function addPin(program: Command, action: Action): void {
  program
    .command("pin")
    .description("keep it, whatever becomes of its tags, until unpin or a time that is set")
    .argument("<reference>", "oci:DIR:TAG or oci:DIR@DIGEST; a blob, too")
    .argument("<name>", "of the pin; one that is elsewhere moves")
    .addOption(new Option("--for <duration>", "so long, as 7d").argParser(parseDuration).conflicts("until"))
    .addOption(new Option("--until <time>", "until then, as 2026-12-31T23:00:00Z").argParser(time))
    .action(
      action(async (context, text: string, name: string, o: Options) => {
        const { out, signal, clock } = context;
        const place = context.reference(text);
        const reference = exact(place.target);
        parseRefName(name);
        const until = o.for === undefined ? o.until : clock.now() + o.for;
        if (until !== undefined && until <= clock.now())
          throw usage("a pin has to end after now", "--for 7d, or --until with a time to come");
        await context
          .with(place, { write: true }, async (store) => {
            // A digest is pinned even if its tag moves meanwhile, and it is the one that is said.
            const digest =
              "tag" in place.target ? (await store.repository().resolve(reference, { signal })).digest : reference;
            context.isChanging = true;
            await store.repository().pin(digest, name, { signal, until });
            const end = until === undefined ? undefined : new Date(until).toISOString();
            out.result({ pinned: name, digest, until: end }, `${name} -> ${digest}${end ? `  until ${end}` : ""}`);
          })
          .catch((error: unknown) => {
            throw explained(error, place);
          });
      }),
    );
}

export function addUnpin(program: Command, action: Action): void {
  program
    .command("unpin")
    .description("take a pin away and nothing else: what only it held is garbage from then on")
    .argument("<place>", "oci:DIR")
    .argument("<name>", "of the pin")
    .action(
      action(async (context, text: string, name: string) => {
        const { out, signal } = context;
        const place = context.place(text);
        parseRefName(name);
        await context.with(place, { write: true }, async (store) => {
          context.isChanging = true;
          await store
            .repository()
            .unpin(name, { signal })
            .catch((error: unknown) => {
              if (!isOciStoreError(error, "NOT_FOUND")) throw error;
              throw notFound(
                `no pin ${name} in ${place.written}`,
                `\`ocistore roots ${formatPlace(place)}\` lists them`,
              );
            });
          out.result({ unpinned: name }, `unpinned ${name}`);
        });
      }),
    );
}

const TIME = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** A date alone is its first moment in UTC. */
function time(text: string): number {
  const at = TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw new InvalidArgumentError("a time is written 2026-12-31 or 2026-12-31T23:00:00Z.");
  return at;
}
