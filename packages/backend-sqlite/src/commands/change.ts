import { type Change, type Digest, type Ms, refusals } from "@ocistore/core";
import { type Context, graphOf, lose } from "./context.ts";
import { dropTag, setOwn } from "./members.ts";
import { put } from "./put.ts";
import { removeAll } from "./remove.ts";
import { mustBeWhole } from "./whole.ts";

type Step<Do extends Change["do"]> = Extract<Change, { do: Do }>;

/** Removals are judged last, by what the other steps leave behind, so that their order among the steps does not matter. */
export async function change(
  ctx: Context,
  repository: string,
  changes: readonly Change[],
  { run, before }: { readonly run?: string | undefined; readonly before?: Ms | undefined },
): Promise<readonly Digest[]> {
  const { tables } = ctx;
  const removals = { forced: new Map<Digest, readonly string[] | undefined>(), ifDead: new Set<Digest>() };
  for (const step of changes) {
    await ctx.pause();
    switch (step.do) {
      case "put": {
        const tagged = changes.some((other) => other.do === "tag" && other.to === step.manifest.digest);
        put(ctx, repository, step.manifest, { tagged, sparse: step.sparse ?? false });
        break;
      }
      case "tag":
        tag(ctx, repository, step);
        // What comes in this very change has been judged.
        if (!changes.some((other) => other.do === "put" && other.manifest.digest === step.to)) {
          mustBeWhole(ctx, repository, step.to);
        }
        break;
      case "untag":
        untag(ctx, repository, step, run);
        break;
      case "remove":
        removals.forced.set(step.manifest, step.tags);
        break;
      case "drop":
        removals.ifDead.add(step.manifest);
        break;
      case "keep":
        mustBeWhole(ctx, repository, step.manifest);
        if (!tables.member(repository, step.manifest)) throw refusals.notStored(step.manifest);
        setOwn(ctx, repository, step.manifest, true);
        break;
      case "expire":
        expire(ctx, repository, step);
        break;
      case "disown":
        disown(ctx, repository, step);
        break;
      case "unlink":
        unlink(ctx, repository, step.blob);
        break;
      case "pin":
        pin(ctx, repository, step);
        break;
      case "unpin":
        unpin(ctx, repository, step);
        break;
    }
  }
  return removeAll(ctx, repository, removals, { before, run });
}

function tag(ctx: Context, repository: string, { name, to, expect }: Step<"tag">): void {
  const { tables, journal } = ctx;
  const present = tables.tag(repository, name);
  if (expect !== undefined && (expect ?? undefined) !== present) throw refusals.tagElsewhere(name, present, expect);
  if (!tables.member(repository, to)) throw refusals.notStored(to);
  tables.setOwn(repository, to, false);
  if (present && present !== to) {
    journal?.tag(repository, name, present);
    lose(ctx, present);
  }
  const at = tables.at(repository, to)!;
  tables.sql.setTag.run(at.repository, name, at.id);
}

/** A run that was interrupted after this very change may be applied again: what its record says is done is done. */
function untag(ctx: Context, repository: string, { name, expect }: Step<"untag">, run: string | undefined): void {
  const { tables } = ctx;
  const present = tables.tag(repository, name);
  if (!present) {
    const at = expect && tables.at(repository, expect);
    if (run !== undefined && at && tables.sql.runTag.get(run, at.repository, name, at.id)) return;
    throw refusals.noTag(name);
  }
  if (expect !== undefined && expect !== present) throw refusals.tagElsewhere(name, present, expect);
  dropTag(ctx, repository, name, present);
  lose(ctx, present);
}

function expire(ctx: Context, repository: string, { name, on, before }: Step<"expire">): void {
  const { tables } = ctx;
  if (tables.tag(repository, name) !== on) return;
  const located = tables.blob(on);
  if (before !== undefined && located && located.since > before) return;
  dropTag(ctx, repository, name, on);
  tables.enqueue(on);
}

function disown(ctx: Context, repository: string, { manifest, before }: Step<"disown">): void {
  const { tables } = ctx;
  const located = tables.member(repository, manifest)?.own ? tables.blob(manifest) : undefined;
  if (!located || located.since > before) return;
  setOwn(ctx, repository, manifest, false);
  tables.enqueue(manifest);
}

function unlink(ctx: Context, repository: string, digest: Digest): void {
  const { tables } = ctx;
  if (!tables.visible(repository, digest)) throw refusals.notStored(digest);
  const holders = [...graphOf(ctx).parents({ repository, digest })].map((node) => node.digest);
  if (holders.length > 0) throw refusals.heldBy(digest, holders);
  if (!tables.isClaimed(repository, digest)) return;
  const at = tables.at(repository, digest)!;
  tables.sql.unclaim.run(at.id, at.repository);
  lose(ctx, digest);
}

function pin(ctx: Context, repository: string, { name, digest, until }: Step<"pin">): void {
  const { tables } = ctx;
  if (!tables.visible(repository, digest)) throw refusals.notStored(digest);
  mustBeWhole(ctx, repository, digest);
  const repositoryId = tables.repositoryIdFor(repository);
  const present = tables.sql.pin.get(repositoryId, name) as { id: number } | undefined;
  tables.sql.setPin.run(repositoryId, name, tables.idFor(digest), until ?? null);
  if (present && tables.digest(present.id) !== digest) lose(ctx, tables.digest(present.id));
  // Nothing happens when it runs out, so it is looked at from now on.
  if (until !== undefined) tables.enqueue(digest);
}

function unpin(ctx: Context, repository: string, { name }: Step<"unpin">): void {
  const { tables } = ctx;
  const repositoryId = tables.repositoryIdFor(repository);
  const present = tables.sql.pin.get(repositoryId, name) as { id: number } | undefined;
  if (!present) throw refusals.noPin(name);
  tables.sql.dropPin.run(repositoryId, name);
  lose(ctx, tables.digest(present.id));
}
