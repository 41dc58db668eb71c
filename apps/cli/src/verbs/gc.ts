import { isOciStoreError, liveFlow, type Plan, type Policy, type Root, type Store } from "@ocistore/core";
import { type Command, Option } from "commander";
import { mustBeAllowed } from "../confirm.ts";
import type { Context } from "../context.ts";
import { formatDuration, parseDuration } from "../duration.ts";
import { type CliError, EXIT, refused } from "../errors.ts";
import { count, size } from "../output/words.ts";
import type { Place } from "../place.ts";
import { applySaved, carryOut, checkPlanOptions, isDryRun, type PlanOptions } from "../plan-run.ts";
import { explainTags, readRules } from "../retention.ts";
import type { Action } from "../run.ts";
import { parseSize } from "../size.ts";
import { planFlags } from "./plan-flags.ts";

interface Options extends PlanOptions {
  readonly grace?: number;
  readonly untagged?: number;
  readonly retention?: string;
  readonly adopt?: boolean;
  readonly explain?: boolean;
  readonly full?: boolean;
  readonly maxFreed?: number;
}

export function addGc(program: Command, action: Action): void {
  const command = program
    .command("gc")
    .alias("prune")
    .description("free what nothing keeps; says what it left alone and why")
    .argument("[place]", "oci:DIR")
    .addOption(
      new Option("--grace <duration>", "leave alone what is younger; the store's own unless given").argParser(
        parseDuration,
      ),
    )
    .addOption(
      new Option("--untagged <age>", "what is older and has no tag need not stay for its own sake").argParser(
        parseDuration,
      ),
    )
    .option("--retention <file>", "rules about tags in place of the store's own, a list in JSON")
    .option("--adopt", "a layout of another tool is ours from now on, its untagged content too")
    .option("--full", "mark the whole store, also where it knows what to look at; exit 4 if that missed any garbage")
    .addOption(
      new Option("--max-freed <size>", "stop when so much is to go; the rest is for the next one").argParser(parseSize),
    )
    .addOption(
      new Option("--max-time <duration>", "stop after so long; the rest is for the next one").argParser(parseDuration),
    )
    .option("--explain", "say of every tag which rule keeps it or takes it, and do nothing");
  planFlags(command).action(
    action(async (context, text: string | undefined, o: Options) => {
      checkPlanOptions(o, selectionOf(o));
      const place = context.place(text);
      const looksOnly = isDryRun(o) || o.explain === true;
      if (!looksOnly) mustBeAllowed(context, o);
      const retention = o.retention === undefined ? undefined : await readRules(context, o.retention);
      return context.with(place, { write: !looksOnly }, async (store) => {
        if (o.apply !== undefined) {
          await applySaved(context, { store, place, kind: "collect", o });
          return EXIT.done;
        }
        const { signal } = context;
        const policy = await store.policy({ signal });
        const grace = o.grace ?? policy.grace;
        const { untagged, adopt, full, maxFreed } = o;
        const options = { signal, grace, untagged, retention, adopt, full, strays: true, maxFreed };
        const plan = await store.planCollect(options).catch((error: unknown) => {
          throw policy.foreign && isOciStoreError(error, "UNSUPPORTED") ? notAdopted(place) : error;
        });
        if (o.explain) {
          await explainTags(context, plan.decisions ?? []);
          return EXIT.done;
        }
        remarkShorter(context, o, policy);
        const claimed = await heldByClaims(store, signal);
        if (isDryRun(o)) await remarkUploads(context, store, plan);
        await carryOut(context, { store, plan, place, o, remarks: () => remarks(context, plan, grace, claimed) });
        if (adopt && policy.foreign && !isDryRun(o)) await store.setPolicy(policy, { signal });
        return missed(context, plan);
      });
    }),
  );
}

function selectionOf(o: Options): string[] {
  return [
    ...(o.grace === undefined ? [] : ["--grace"]),
    ...(o.untagged === undefined ? [] : ["--untagged"]),
    ...(o.retention === undefined ? [] : ["--retention"]),
    ...(o.adopt ? ["--adopt"] : []),
    ...(o.explain ? ["--explain"] : []),
    ...(o.full ? ["--full"] : []),
    ...(o.maxFreed === undefined ? [] : ["--max-freed"]),
  ];
}

/** Garbage of which the queue knew nothing: a mistake in one of the two, so it stays, and somebody should hear of it. */
function missed({ out }: Context, { missed: digests = [] }: Plan): number {
  for (const digest of digests) {
    out.note(
      { finding: "missed", digest },
      `${digest} is garbage, and the queue did not know: left alone, please report it`,
    );
  }
  return digests.length > 0 ? EXIT.findings : EXIT.done;
}

/** Not even with `--yes`: who made it may not know that its untagged content would go. */
function notAdopted({ written }: Place): CliError {
  return refused(
    `another tool made ${written}, and may mean its untagged content to stay`,
    "--adopt, once, if it is yours to empty",
  );
}

/** What a flag makes shorter than all others of this store are told. */
function remarkShorter({ out }: Context, o: Options, { grace, untagged }: Policy): void {
  if (o.grace !== undefined && o.grace < grace) {
    const words = `a grace of ${formatDuration(o.grace)}, shorter than the store's own of ${formatDuration(grace)}`;
    out.note({ shorter: "grace", ms: o.grace, policy: grace }, words);
  }
  if (o.untagged !== undefined && untagged !== undefined && o.untagged < untagged) {
    const words = `untagged content goes after ${formatDuration(o.untagged)}, and by the store's own policy after ${formatDuration(untagged)}`;
    out.note({ shorter: "untagged", ms: o.untagged, policy: untagged }, words);
  }
}

interface Held {
  readonly digests: number;
  readonly bytes: number;
}

/** What would be garbage if no session were open. */
async function heldByClaims(store: Store, signal: AbortSignal): Promise<Held> {
  const reader = await store.parts.catalog.graph({ signal });
  const isClaim = ({ why }: Root) => why === "claim";
  let claims = 0;
  for await (const root of reader.allRoots()) if (isClaim(root)) claims += 1;
  if (claims === 0) return { digests: 0, bytes: 0 };
  const { graph, nodes, roots } = await liveFlow(reader, { signal });
  const withClaims = graph.mark(roots);
  const others: number[] = [];
  for await (const root of reader.allRoots()) {
    const id = isClaim(root) ? undefined : nodes.find(root.repository, root.digest);
    if (id !== undefined) others.push(id);
  }
  const without = graph.mark(others);
  let digests = 0;
  let bytes = 0;
  for await (const { digest, size: each } of store.parts.blobs.list({ signal })) {
    const id = nodes.find(undefined, digest);
    if (id === undefined || withClaims[id] !== 1 || without[id] === 1) continue;
    digests += 1;
    bytes += each;
  }
  return { digests, bytes };
}

/** The real run says it of those that it has given up. */
async function remarkUploads({ out, signal, clock }: Context, store: Store, { header }: Plan): Promise<void> {
  const before = header.before ?? clock.now();
  let uploads = 0;
  for await (const { touched } of store.parts.blobs.uploads({ signal })) if (touched <= before) uploads += 1;
  if (uploads > 0) out.note({ uploads }, `gives up ${count(uploads, "unfinished upload")}`);
}

/** `0 B freed` and no reason would be the first bug report. */
function remarks({ out }: Context, { header, items, kept }: Plan, grace: number, claimed: Held): void {
  const sum = (because: string) => {
    const list = kept.filter((each) => each.because === because);
    return { digests: list.length, bytes: list.reduce((bytes, each) => bytes + each.size, 0) };
  };
  const say = (by: string, { digests, bytes }: Held, words: string) => {
    if (digests > 0)
      out.note({ heldBack: by, digests, bytes }, `held back ${count(digests, "digest")}, ${size(bytes)}: ${words}`);
  };
  say("grace", sum("grace"), `younger than the grace of ${formatDuration(grace)}, or named by what is`);
  say("claims", claimed, "claimed by a session that is open, or was broken off within the last hour");
  say("limit", sum("limit"), "more than --max-freed; the next gc takes them");
  say("unreadable", sum("unreadable"), "a manifest that is in use cannot be read, and may name them");
  const unreadable = new Set(kept.filter(({ because }) => because === "unreadable").flatMap(({ heldBy }) => heldBy));
  for (const each of unreadable)
    out.note({ unreadable: each }, `  ${each}: \`ocistore fsck\` says more; push it again, or delete it`);
  if (header.hold > 0 && items.length > 0) {
    out.note(
      { waits: header.hold },
      `what goes is condemned now and erased by the first gc after ${formatDuration(header.hold)}`,
    );
  }
}
