import type { GraphReader } from "../contract/catalog.ts";
import type { Signal } from "../contract/environment.ts";
import type { Finding } from "../contract/finding.ts";
import type { Located } from "../contract/placement.ts";
import { isOciStoreError } from "../errors.ts";
import type { Digest } from "../model/digest.ts";
import { advised } from "./advice.ts";
import { eraser } from "./apply.ts";
import { checkGraph } from "./check.ts";
import { Copies, type CopySource, soundness } from "./copies.ts";
import type { Parts } from "./parts.ts";

export interface RepairOptions extends Signal {
  readonly from?: readonly CopySource[] | undefined;
  /** Says what would be done, and changes nothing. */
  readonly dryRun?: boolean | undefined;
  readonly onChecked?: ((located: Located) => void) | undefined;
}

/**
 * Mends what can be mended, and says of each finding what was done. Nothing is destroyed: what goes out of use is kept aside.
 * A manifest is only ever replaced by a sound copy, since absent it would name nothing and what it keeps would be garbage. May
 * be interrupted anywhere, and run again.
 */
export async function* repair(parts: Parts, o: RepairOptions): AsyncGenerator<Finding> {
  const { upkeep } = parts;
  const { signal } = o;
  if (!upkeep || !o.dryRun) {
    yield* (await upkeep?.look({ signal, repair: true })) ?? [];
    yield* repairContent(parts, o);
    return;
  }
  const { findings, blobs, catalog } = await upkeep.foresee({ signal });
  try {
    yield* findings;
    yield* repairContent({ ...parts, blobs, catalog }, o);
  } finally {
    await catalog.close();
    await blobs.close();
  }
}

async function* repairContent(parts: Parts, o: RepairOptions): AsyncGenerator<Finding> {
  const copies = new Copies(parts, o.from ?? [], { signal: o.signal });
  try {
    const foreseen: Map<Digest, "gone" | "mended"> = new Map();
    let hasMended = false;
    for await (const { as, ...finding } of repairBytes(parts, copies, o)) {
      hasMended ||= as === "mended";
      if (o.dryRun && as && finding.digest) foreseen.set(finding.digest, as);
      yield finding;
    }
    for await (const { as, ...finding } of repairRows(parts, copies, o)) {
      hasMended ||= as === "mended";
      if (o.dryRun && as && finding.digest) foreseen.set(finding.digest, as);
      yield finding;
    }
    // What could not be told of damaged bytes may be told of sound ones.
    if (hasMended && !o.dryRun) yield* await mendedBesides(parts, o);
    yield* repairGraph(parts, copies, { ...o, foreseen });
  } finally {
    if (!o.dryRun) await copies.end();
  }
}

async function mendedBesides({ upkeep }: Parts, { signal }: RepairOptions): Promise<readonly Finding[]> {
  const again = (await upkeep?.look({ signal, repair: true })) ?? [];
  return again.filter(({ repaired }) => repaired !== undefined);
}

type Mended = Finding & { readonly as?: "gone" | "mended" };

/** Every stored byte against its digest. */
async function* repairBytes(parts: Parts, copies: Copies, o: RepairOptions): AsyncGenerator<Mended> {
  let manifests: ReadonlySet<Digest> | undefined;
  for await (const located of parts.blobs.list(o)) {
    o.signal?.throwIfAborted();
    const { isSound, found, error } = await soundness(parts, located, o);
    o.onChecked?.(located);
    if (isSound) continue;
    manifests ??= await manifestsOf(await parts.catalog.graph(o), o);
    const { digest } = located;
    const what = found ? `the bytes are ${found}` : messageOf(error);
    const finding: Finding = { level: "error", code: found ? "corrupt" : "unreadable", digest, message: what };
    const used = await parts.catalog.locate(undefined, digest, o);
    // Bytes that could not be read may be sound; and a copy that is not in use is nobody's, and a collection takes it.
    if (!found || used?.generation !== located.generation) yield finding;
    else yield await mend(parts, copies, { ...located, isManifest: manifests.has(digest) }, finding, o);
  }
}

/** What the catalog takes for stored and is not there: while it does, nobody who pushes it again sends it. */
async function* repairRows(parts: Parts, copies: Copies, o: RepairOptions): AsyncGenerator<Mended> {
  const { catalog, blobs } = parts;
  for await (const finding of catalog.audit?.(blobs, o) ?? []) {
    const { code, digest } = finding;
    const row = digest === undefined ? undefined : await catalog.locate(undefined, digest, o);
    if (code === "dangling" && digest !== undefined && !row) {
      const found = await bringBack(parts, copies, finding, digest, { ...o, trash: new Set(), have: new Map() });
      yield* found.map((each) => advised(each));
      continue;
    }
    if (code !== "missing" || !row) {
      yield advised(finding);
      continue;
    }
    const confirm = async (signal?: Signal) => (await blobs.stat(row, signal)) === undefined;
    const options = { signal: o.signal, confirm, erase: async () => [] };
    const isBack = o.dryRun
      ? (await copies.look(row.digest)) && true
      : await copies.with(row.digest, (by) => catalog.replaceCopy(row, { ...options, by }));
    if (isBack) {
      yield { ...finding, repaired: "fetched from a source", as: "mended" };
      continue;
    }
    try {
      // Somebody has brought it meanwhile.
      if (!o.dryRun && !(await catalog.replaceCopy(row, options))) continue;
      const isManifest = o.dryRun && (await catalog.manifest("", row.digest, o)) !== undefined;
      if (isManifest) yield advised(finding);
      else yield { ...finding, repaired: "forgotten; whoever pushes it again stores it anew", as: "gone" };
    } catch (error) {
      if (!isOciStoreError(error, "IN_USE")) throw error;
      yield advised(finding);
    }
  }
}

async function mend(
  parts: Parts,
  copies: Copies,
  damaged: Located & { readonly isManifest: boolean },
  finding: Finding,
  o: RepairOptions,
): Promise<Mended> {
  const { catalog, blobs } = parts;
  const { digest, isManifest } = damaged;
  const confirm = async (signal?: Signal) => {
    if ((await soundness(parts, damaged, signal ?? {})).isSound) return false;
    await blobs.keepAside(damaged, signal);
    return true;
  };
  const options = { signal: o.signal, confirm, erase: eraser(parts, o) };
  const replaced = "replaced by a sound copy, the damaged one is kept aside";
  const meanwhile = "somebody else has mended it meanwhile";
  const isMended = o.dryRun
    ? (await copies.look(digest)) && true
    : await copies.with(digest, (by) => catalog.replaceCopy(damaged, { ...options, by }));
  if (isMended !== undefined) return { ...finding, repaired: isMended ? replaced : meanwhile, as: "mended" };
  const advice = "push it again, name a source that has it, or give it up by its digest";
  const leave = { ...finding, message: `${finding.message}; a manifest stays where it is: ${advice}` };
  if (isManifest) return leave;
  try {
    if (!o.dryRun && !(await catalog.replaceCopy(damaged, options))) return { ...finding, repaired: meanwhile };
    return { ...finding, repaired: "set aside; whoever pushes it again stores it anew", as: "gone" };
  } catch (error) {
    if (isOciStoreError(error, "IN_USE")) return leave;
    throw error;
  }
}

/** All that is a manifest, or may be: what is stored as one, what is named as one, and what a tag or a mark is on. */
async function manifestsOf(graph: GraphReader, o: Signal): Promise<ReadonlySet<Digest>> {
  const found = new Set<Digest>();
  for await (const { digest, record } of graph.manifests(o)) {
    found.add(digest);
    for (const { to, kind } of record.edges) {
      if (kind !== "config" && kind !== "layer") found.add(to);
    }
  }
  for await (const { digest } of graph.unreadable(o)) found.add(digest);
  for await (const { digest, why } of graph.allRoots(o)) if (why !== "claim") found.add(digest);
  return found;
}

/** What is named and not there. A manifest that was fetched may name more that is missing, so it is looked at again. */
async function* repairGraph(
  parts: Parts,
  copies: Copies,
  o: RepairOptions & { readonly foreseen: Map<Digest, "gone" | "mended"> },
): AsyncGenerator<Finding> {
  const tried = new Map<Digest, string | undefined>();
  const trash = new Set<Digest>();
  for await (const { digest } of parts.catalog.condemned(o)) trash.add(digest);
  for (let isNew = true; isNew; ) {
    isNew = false;
    const again: Finding[] = [];
    for await (const finding of checkGraph(parts, o)) {
      const { code, digest } = finding;
      if (digest === undefined || (code !== "missing" && code !== "dangling")) {
        again.push(finding);
      } else if (tried.has(digest)) {
        // One line for each digest that is back, however many name it.
        if (tried.get(digest) === undefined) again.push(finding);
      } else {
        tried.set(digest, undefined);
        const found = await bringBack(parts, copies, finding, digest, { ...o, trash, have: tried });
        for (const each of found) {
          tried.set(each.digest as Digest, each.repaired);
          if (o.dryRun && each.repaired !== undefined) {
            for (const back of await below(copies, each.digest as Digest, trash)) o.foreseen.set(back, "mended");
          }
          if (each.repaired !== undefined) yield each;
          else if (o.dryRun || each === finding) again.push(each);
        }
        isNew ||= !o.dryRun && found.some(({ repaired }) => repaired !== undefined);
      }
    }
    // Reported when nothing more comes: a later turn finds it again, or not any more.
    if (!isNew) yield* again;
  }
}

/** What comes back from the trash with a digest, itself included. */
async function below(copies: Copies, digest: Digest, trash: ReadonlySet<Digest>): Promise<ReadonlySet<Digest>> {
  const back = new Set([digest]);
  for (const each of back) {
    if (!trash.has(each)) continue;
    for (const { to, kind } of (await copies.look(each))?.manifest?.edges ?? []) {
      if (kind !== "subject" && trash.has(to)) back.add(to);
    }
  }
  return back;
}

/** The finding, mended if somebody has it, and what it names that is missing too. */
async function bringBack(
  parts: Parts,
  copies: Copies,
  finding: Finding,
  digest: Digest,
  o: RepairOptions & { readonly trash: ReadonlySet<Digest>; readonly have: ReadonlyMap<Digest, unknown> },
): Promise<readonly Finding[]> {
  const { catalog } = parts;
  if (o.trash.has(digest) && (o.dryRun || (await catalog.revive([digest], o)).length > 0)) {
    return [{ ...finding, repaired: "brought back from the trash" }];
  }
  const { repository = "", namedBy } = finding;
  const by = finding.code === "missing" ? await catalog.manifest(repository, namedBy as Digest, o) : undefined;
  const edge = by?.edges.find(({ to }) => to === digest) ?? { to: digest, kind: "manifest" as const };
  const fetched = await copies.fetch(repository, edge, o);
  if (!fetched[0]?.isThere) return [finding];
  const how = "fetched from a source";
  return fetched.map((each, at): Finding => {
    const repaired = each.isThere ? how : undefined;
    return at === 0
      ? { ...finding, repaired }
      : {
          level: finding.level,
          code: "missing",
          digest: each.digest,
          repository,
          namedBy: each.namedBy,
          message: `${each.kind} is not stored`,
          repaired,
        };
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
