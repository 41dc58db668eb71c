import type { Change } from "../../contract/catalog.ts";
import type { Ms } from "../../contract/environment.ts";
import { OciStoreError } from "../../errors.ts";
import { manifestNode } from "../../liveness/node.ts";
import type { Digest } from "../../model/digest.ts";
import { noPin, noTag, notStored, tagElsewhere } from "../refusals.ts";
import type { Run } from "../state.ts";
import { type Context, goesOn, graphOf, isClaimed, lose, visible } from "./context.ts";
import { freezeListing, relist } from "./listing.ts";
import { addMember } from "./members.ts";
import { put } from "./put.ts";
import { removeAll } from "./remove.ts";
import { noteInRun } from "./run-record.ts";
import { mustBeWhole } from "./whole.ts";

/**
 * All steps or none: the draft is thrown away if one of them throws. Removals are judged last, by the graph that the other
 * steps leave behind, so that their order among the steps does not matter.
 */
export async function change(
  given: Context,
  repository: string,
  changes: readonly Change[],
  {
    run,
    until,
    before,
  }: { readonly run?: string | undefined; readonly until?: Ms | undefined; readonly before?: Ms | undefined },
): Promise<readonly Digest[]> {
  // What a plan takes away has been looked at for the plan.
  const ctx = {
    ...given,
    again: run !== undefined && before === undefined && changes.every((step) => TAKING.has(step.do)),
  };
  // A run that was interrupted after this very change may be applied again: what its record says is done is done.
  const done = run === undefined ? undefined : ctx.draft.runs.get(run);
  const marks = new Map(
    changes.flatMap((step) =>
      step.do === "keep" || step.do === "disown"
        ? [[step.manifest, ctx.draft.repository(repository).manifests.get(step.manifest)] as const]
        : [],
    ),
  );
  const listing = await freezeListing(ctx, repository, changes);
  const removals = { forced: new Map<Digest, readonly string[] | undefined>(), ifDead: new Set<Digest>() };
  const tagsBefore = new Map(ctx.draft.repository(repository).tags);
  for (const step of changes) {
    switch (step.do) {
      case "put": {
        const tagged = changes.some((other) => other.do === "tag" && other.to === step.manifest.digest);
        await put(ctx, repository, step.manifest, { tagged, sparse: step.sparse ?? false });
        break;
      }
      case "tag":
        await tag(ctx, repository, step);
        // What comes in this very change has been judged: a layout has no other word on an index that is sparse on purpose.
        if (!changes.some((other) => other.do === "put" && other.manifest.digest === step.to)) {
          await mustBeWhole(ctx, repository, step.to);
        }
        break;
      case "untag":
        untag(ctx, repository, step, done);
        break;
      case "remove":
        removals.forced.set(step.manifest, step.tags);
        break;
      case "drop":
        removals.ifDead.add(step.manifest);
        break;
      case "keep":
        await keep(ctx, repository, step.manifest);
        break;
      case "expire":
        await expire(ctx, repository, step);
        break;
      case "disown":
        await disown(ctx, repository, step);
        break;
      case "unlink":
        await unlink(ctx, repository, step.blob);
        break;
      case "pin": {
        const { name, digest, until } = step;
        if (!(await visible(ctx, repository, digest))) throw notStored(digest);
        await mustBeWhole(ctx, repository, digest);
        const { pins } = ctx.draft.repository(repository);
        const present = pins.get(name);
        pins.set(name, { digest, until });
        if (present && present.digest !== digest) lose(ctx, present.digest);
        break;
      }
      case "unpin": {
        const { pins } = ctx.draft.repository(repository);
        const pin = pins.get(step.name);
        if (!pin) throw noPin(step.name);
        pins.delete(step.name);
        lose(ctx, pin.digest);
        break;
      }
    }
  }
  const removed = await removeAll(ctx, repository, removals, { before, done });
  const unlisted = await listing.settle();
  await relist(ctx, repository, changes);
  if (run) await noteInRun(ctx, run, until, { repository, tagsBefore, removed: [...removed, ...unlisted], marks });
  return removed.map(([digest]) => digest);
}

/** Steps after which there is less than before. */
export const TAKING: ReadonlySet<Change["do"]> = new Set(["untag", "remove", "drop", "unpin", "expire", "disown"]);

async function tag(
  ctx: Context,
  repository: string,
  { name, to, expect }: Extract<Change, { do: "tag" }>,
): Promise<void> {
  const { draft, facts, o } = ctx;
  const target = draft.repository(repository);
  const present = target.tags.get(name);
  if (expect !== undefined && (expect ?? undefined) !== present) throw tagElsewhere(name, present, expect);
  const member = target.manifests.get(to);
  if (member) {
    target.manifests.set(to, { ...member, own: false });
  } else {
    const record = await facts.record(draft, repository, to, o);
    if (!record || !(await visible(ctx, repository, to))) throw notStored(to);
    addMember(ctx, repository, record, false);
    // Another tool may write back a listing without it. Then its grace is counted from here, and not from an earlier loss.
    if (facts.membership === "listed") draft.touch(to, ctx.now);
  }
  target.tags.set(name, to);
  if (present && present !== to) lose(ctx, present);
}

function untag(
  ctx: Context,
  repository: string,
  { name, expect }: Extract<Change, { do: "untag" }>,
  done: Run | undefined,
): void {
  const { tags } = ctx.draft.repository(repository);
  const present = tags.get(name);
  if (!present) {
    const isDone = done?.tags.some(
      (tag) => tag.repository === repository && tag.name === name && tag.digest === expect,
    );
    if (isDone) return;
    throw noTag(name);
  }
  if (expect !== undefined && expect !== present) throw tagElsewhere(name, present, expect);
  tags.delete(name);
  lose(ctx, present);
}

async function keep(ctx: Context, repository: string, digest: Digest): Promise<void> {
  await mustBeWhole(ctx, repository, digest);
  const target = ctx.draft.repository(repository);
  const member = target.manifests.get(digest);
  if (member) {
    target.manifests.set(digest, { ...member, own: true });
    return;
  }
  const record = await ctx.facts.record(ctx.draft, repository, digest, ctx.o);
  if (!record) throw notStored(digest);
  addMember(ctx, repository, record, true);
}

async function expire(
  ctx: Context,
  repository: string,
  { name, on, before }: Extract<Change, { do: "expire" }>,
): Promise<void> {
  const { tags } = ctx.draft.repository(repository);
  if (tags.get(name) !== on) return;
  const located = before === undefined ? undefined : await ctx.facts.locate(ctx.draft, on, ctx.o);
  if (before !== undefined && located && located.since > before) return;
  tags.delete(name);
  await goesOn(ctx, on);
}

async function disown(
  ctx: Context,
  repository: string,
  { manifest, before }: Extract<Change, { do: "disown" }>,
): Promise<void> {
  const { manifests } = ctx.draft.repository(repository);
  const member = manifests.get(manifest);
  const located = member?.own ? await ctx.facts.locate(ctx.draft, manifest, ctx.o) : undefined;
  if (!member || !located || located.since > before) return;
  manifests.set(manifest, { ...member, own: false });
  await goesOn(ctx, manifest);
}

async function unlink(ctx: Context, repository: string, digest: Digest): Promise<void> {
  const { draft, now } = ctx;
  if (!(await visible(ctx, repository, digest))) throw notStored(digest);
  const holders = (await graphOf(ctx)).parents(manifestNode(repository, digest)).map((node) => node.digest);
  if (holders.length > 0) {
    throw new OciStoreError("IN_USE", `${digest} is named by ${holders.join(", ")}`, { digest, holders });
  }
  if (!isClaimed(draft, repository, digest, now)) return;
  for (const [owner, claim] of [...draft.claims]) {
    const digests = claim.held.get(repository);
    if (!digests?.has(digest)) continue;
    const rest = new Set([...digests].filter((other) => other !== digest));
    draft.claims.set(owner, { ...claim, held: new Map(claim.held).set(repository, rest) });
  }
  draft.touch(digest, now);
}
