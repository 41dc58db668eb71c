import { bytesNode, keyOf, liveFlow, type Plan, type Store } from "@ocistore/core";
import { type Command, Option } from "commander";
import { mustBeAllowed } from "../confirm.ts";
import type { Context } from "../context.ts";
import { formatDuration, parseDuration } from "../duration.ts";
import { count, size } from "../output/words.ts";
import { applySaved, carryOut, checkPlanOptions, isDryRun, type PlanOptions } from "../plan-run.ts";
import type { Action } from "../run.ts";
import { planFlags } from "./plan-flags.ts";

interface Options extends PlanOptions {
  readonly grace?: number;
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
    );
  planFlags(command).action(
    action(async (context, text: string | undefined, o: Options) => {
      checkPlanOptions(o, o.grace === undefined ? [] : ["--grace"]);
      const place = context.place(text);
      if (!isDryRun(o)) mustBeAllowed(context, o);
      await context.with(place, { write: !isDryRun(o) }, async (store) => {
        if (o.apply !== undefined) return applySaved(context, { store, place, kind: "collect", o });
        const { signal } = context;
        const grace = o.grace ?? (await store.policy({ signal })).grace;
        const plan = await store.planCollect({ signal, grace });
        const claimed = await heldByClaims(store, signal);
        if (isDryRun(o)) await remarkUploads(context, store, plan);
        await carryOut(context, { store, plan, place, o, remarks: () => remarks(context, plan, grace, claimed) });
      });
    }),
  );
}

interface Held {
  readonly digests: number;
  readonly bytes: number;
}

/** What would be garbage if no session were open. */
async function heldByClaims(store: Store, signal: AbortSignal): Promise<Held> {
  const reader = await store.parts.catalog.graph({ signal });
  const others: string[] = [];
  let claims = 0;
  for await (const root of reader.allRoots()) {
    if (root.why === "claim") claims += 1;
    else others.push(keyOf(root), root.digest);
  }
  if (claims === 0) return { digests: 0, bytes: 0 };
  const { graph, roots } = await liveFlow(reader, { signal });
  const withClaims = graph.mark(roots);
  const without = graph.mark(others.map((key) => graph.id(key)).filter((id) => id < withClaims.length));
  let digests = 0;
  let bytes = 0;
  for await (const { digest, size: each } of store.parts.blobs.list({ signal })) {
    const id = graph.find(keyOf(bytesNode(digest)));
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
