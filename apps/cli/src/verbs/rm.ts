import { type DeleteOptions, isOciStoreError, type Plan, type Store } from "@ocistore/core";
import { type Command, Option } from "commander";
import { mustBeAllowed } from "../confirm.ts";
import { type Context, explained } from "../context.ts";
import { parseDuration } from "../duration.ts";
import { notFound, usage } from "../errors.ts";
import { size } from "../output/words.ts";
import { exact, type Place } from "../place.ts";
import { applySaved, carryOut, checkPlanOptions, isDryRun, type PlanOptions } from "../plan-run.ts";
import type { Action } from "../run.ts";
import { planFlags } from "./plan-flags.ts";

interface Options extends PlanOptions {
  readonly keepChildren?: boolean;
  readonly referrers?: boolean;
  readonly window?: number;
  readonly ignoreMissing?: boolean;
  readonly force?: boolean;
}

export function addRm(program: Command, action: Action): void {
  const command = program
    .command("rm")
    .alias("delete")
    .description("delete images with all that only they held; several are one deletion");
  removal(command, action, async () => {});
}

/** Makes a verb that deletes. `check` refuses what is not for this one. */
export function removal(
  verb: Command,
  action: Action,
  check: (context: Context, store: Store, place: Place, targets: readonly string[]) => Promise<void>,
): void {
  const command = verb
    .argument("[reference...]", "oci:DIR:TAG or oci:DIR@DIGEST; with --apply oci:DIR")
    .option("--keep-children", "the manifests of a deleted index stay, as roots of their own")
    .option("--referrers", "what refers to it goes too, even with a tag of its own")
    .addOption(new Option("--window <duration>", "so long it can be brought back").argParser(parseDuration))
    .option("--ignore-missing", "what is not there is no failure")
    .option("-f, --force", "the same as --yes --ignore-missing");
  planFlags(command).action(
    action(async (context, references: string[], flags: Options) => {
      const o = flags.force ? { ...flags, yes: true, ignoreMissing: true } : flags;
      checkPlanOptions(o, selectionOf(o));
      if (o.apply === undefined && references.length === 0) throw usage("nothing is named", "ocistore rm oci:DIR:TAG");
      if (!isDryRun(o)) mustBeAllowed(context, o);
      if (o.apply !== undefined) {
        if (references.length > 1) throw usage("--apply takes the store and nothing else", "rm --apply FILE oci:DIR");
        const place = context.place(references[0]);
        await context.with(place, { write: true }, (store) => applySaved(context, { store, place, kind: "delete", o }));
        return;
      }
      const { place, targets } = aims(context, references);
      await context.with(place, { write: !isDryRun(o) }, async (store) => {
        await check(context, store, place, targets);
        const plan = await makePlan(context, store, place, targets, o);
        const goes = await tagsThatGo(context, store, plan);
        await carryOut(context, { store, plan, place, o, remarks: () => remarks(context, plan, goes) });
      });
    }),
  );
}

function selectionOf(o: Options): string[] {
  return [
    ...(o.keepChildren ? ["--keep-children"] : []),
    ...(o.referrers ? ["--referrers"] : []),
    ...(o.window === undefined ? [] : ["--window"]),
    ...(o.ignoreMissing && !o.force ? ["--ignore-missing"] : []),
  ];
}

/** All in one store, or it is no one deletion. */
function aims(context: Context, references: readonly string[]): { place: Place; targets: string[] } {
  const places = references.map((text) => context.reference(text));
  const [first] = places;
  const other = places.find(({ directory }) => directory !== first!.directory);
  if (other)
    throw usage(`${first!.written} and ${other.written} are two stores`, "one rm is one deletion, in one store");
  return { place: { ...first!, target: undefined }, targets: places.map(({ target }) => exact(target)) };
}

async function makePlan(
  { out, signal }: Context,
  store: Store,
  place: Place,
  targets: string[],
  o: Options,
): Promise<Plan> {
  const options: DeleteOptions = {
    signal,
    referrers: o.referrers,
    window: o.window,
    children: o.keepChildren ? "keep" : "delete",
  };
  let left = targets;
  for (;;) {
    try {
      return await store.repository().planDelete(left, options);
    } catch (error) {
      if (!isOciStoreError(error, "NOT_FOUND")) throw explained(error, place);
      const { reference } = error.data;
      const found = left.filter((target) => target !== reference);
      if (!o.ignoreMissing || found.length === left.length) {
        throw notFound(`${reference} is not in ${place.written}`, `\`ocistore ls oci:${place.written}\` says what is`);
      }
      out.note({ missing: reference }, `${reference} is not there`);
      left = found;
    }
  }
}

/** The tags that a plan takes, named or not: who deletes a digest is to hear which names go with it. */
async function tagsThatGo({ signal }: Context, store: Store, plan: Plan): Promise<[string, string][]> {
  const steps = plan.header.changes.flatMap((each) => each.steps);
  const untagged = new Set(steps.flatMap((step) => (step.do === "untag" ? [step.name] : [])));
  const gone = new Set<string>(
    steps.flatMap((step) => (step.do === "remove" || step.do === "drop" ? [step.manifest] : [])),
  );
  const tags: [string, string][] = [];
  for await (const { name, digest } of store.repository().tags({ signal })) {
    if (untagged.has(name) || gone.has(digest)) tags.push([name, digest]);
  }
  return tags;
}

const SHOWN = 20;

function remarks({ out, io }: Context, { kept, header }: Plan, tags: readonly (readonly [string, string])[]): void {
  for (const [name, digest] of tags)
    out.note({ untagged: name, digest }, `the tag ${name} goes, which is on ${digest}`);
  const shown = out.json ? kept.length : SHOWN;
  for (const { digest, size: bytes, because, heldBy } of kept.slice(0, shown)) {
    const others = heldBy.filter((each) => each !== digest && each !== `untagged ${digest}`);
    const holders = others.length === 0 ? "a root of its own" : `held by ${others.join(", ")}`;
    const who = because === "unreadable" ? `nobody knows what is named by ${heldBy.join(", ")}` : holders;
    out.note(
      { kept: digest, size: bytes, because, heldBy },
      `kept ${out.digest(digest)}  ${size(bytes)}: ${out.sentence(who)}`,
    );
  }
  if (kept.length > shown) out.note({}, `kept ${kept.length - shown} more; --json lists them`);
  if (kept.some(({ because }) => because === "unreadable")) {
    out.note(
      {},
      "while a manifest that is in use cannot be read, no bytes go: `ocistore fsck` says which; push it again, or delete it",
    );
  }
  if (header.hold === 0 && io.stderr.isTTY && !out.json) {
    out.note(
      {},
      "this cannot be undone: `--window 7d` would keep it for so long, `ocistore config set oci:DIR window=7d` from now on",
    );
  }
}
