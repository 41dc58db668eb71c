import { type Change, type Digest, type Ms, manifestNode, OciStoreError } from "@ocistore/core";
import { keptBy } from "./grace.ts";
import { SqlGraph } from "./graph.ts";
import { inUse, missing, notFound, type Tables } from "./tables.ts";
import { before as beforeAll, noteRun } from "./undo.ts";

type Step<Do extends Change["do"]> = Extract<Change, { do: Do }>;

/** All steps, in a transaction that is rolled back if one throws. Removals come last. */
export function change(
  tables: Tables,
  repository: string,
  changes: readonly Change[],
  {
    run,
    until,
    before,
  }: { readonly run?: string | undefined; readonly until?: Ms | undefined; readonly before?: Ms | undefined },
): readonly Digest[] {
  const { sql } = tables;
  const was = run === undefined ? undefined : beforeAll(tables);
  const forced = new Map<Digest, readonly string[] | undefined>();
  const ifDead = new Set<Digest>();
  for (const step of changes) {
    switch (step.do) {
      case "put": {
        const isTagged = changes.some((other) => other.do === "tag" && other.to === step.manifest.digest);
        put(tables, repository, step, isTagged);
        break;
      }
      case "tag":
        tag(tables, repository, step);
        break;
      case "untag": {
        const present = expected(tables, repository, step.name, step.expect);
        if (!present) throw notFound(step.name);
        sql.dropTag.run(repository, step.name);
        tables.touch(present);
        break;
      }
      case "remove":
        forced.set(step.manifest, step.tags);
        break;
      case "drop":
        ifDead.add(step.manifest);
        break;
      case "keep":
        if (!tables.isMember(repository, step.manifest)) throw notFound(step.manifest);
        tables.mustBeWhole(repository, step.manifest);
        sql.setOwn.run(1, repository, step.manifest);
        break;
      case "expire":
        if (tables.digests("tag", repository, step.name)[0] !== step.on) break;
        if ((tables.blob(step.on)?.since ?? 0) <= (step.before ?? Number.POSITIVE_INFINITY))
          sql.dropTag.run(repository, step.name);
        break;
      case "disown":
        if ((tables.blob(step.manifest)?.since ?? Number.POSITIVE_INFINITY) <= step.before)
          sql.setOwn.run(0, repository, step.manifest);
        break;
      case "unlink":
        if (!tables.visible(repository, step.blob)) throw notFound(step.blob);
        mustBeFree(step.blob, tables.digests("contentParents", step.blob, repository));
        if (sql.unclaim.run(repository, step.blob).changes > 0) tables.touch(step.blob);
        break;
      case "pin":
        if (!tables.visible(repository, step.digest)) throw notFound(step.digest);
        tables.mustBeWhole(repository, step.digest);
        sql.putPin.run(repository, step.name, step.digest, step.until ?? null);
        break;
      case "unpin": {
        const [digest] = tables.digests("pin", repository, step.name);
        if (!digest) throw notFound(step.name);
        sql.dropPin.run(repository, step.name);
        tables.touch(digest);
        break;
      }
    }
  }
  const removed = remove(tables, repository, { forced, ifDead, before });
  if (run !== undefined) for (const digest of removed) sql.take.run(run, repository, digest);
  if (run !== undefined && was) noteRun(tables, run, until, was);
  return removed;
}

function put(tables: Tables, repository: string, { manifest, sparse }: Step<"put">, isTagged: boolean): void {
  const { sql } = tables;
  const { digest } = manifest;
  if (tables.condemned(digest)) tables.revive(digest, repository);
  if (!tables.blob(digest)) throw missing(digest, [digest]);
  const absent = new Set(tables.missingBelow(repository, digest, manifest.edges));
  if (absent.size > 0 && !sparse) throw missing(digest, [...absent]);
  const edges = manifest.edges.map((edge) => (absent.has(edge.to) ? ({ ...edge, optional: true } as const) : edge));

  const present = sql.member.get(repository, digest) as { own: number } | undefined;
  const isNamed =
    sql.contentParents.get(digest, repository) !== undefined ||
    edges.some(({ kind, to }) => kind === "subject" && tables.isMember(repository, to));
  tables.addMember(repository, { ...manifest, edges }, present ? present.own === 1 : !isTagged && !isNamed);
  for (const { to, kind } of edges) if (kind !== "subject") sql.setOwn.run(0, repository, to);
  if (present) return;
  for (const referrer of tables.digests("referrers", digest, repository, "")) sql.setOwn.run(0, repository, referrer);
}

function tag(tables: Tables, repository: string, { name, to, expect }: Step<"tag">): void {
  const present = expected(tables, repository, name, expect);
  if (!tables.isMember(repository, to)) throw notFound(to);
  tables.mustBeWhole(repository, to);
  tables.sql.setOwn.run(0, repository, to);
  tables.sql.putTag.run(repository, name, to);
  if (present && present !== to) tables.touch(present);
}

/** Where a tag is now, if that is where it should be. */
function expected(
  tables: Tables,
  repository: string,
  name: string,
  expect: Digest | null | undefined,
): Digest | undefined {
  const [present] = tables.digests("tag", repository, name);
  if (expect === undefined || (expect ?? undefined) === present) return present;
  throw new OciStoreError("CONFLICT", `tag ${name} is ${present ?? "absent"}, not ${expect ?? "new"}`, {
    reference: name,
  });
}

interface Removals {
  /** These go, or the whole change fails; with the tags that may go with each, if not all may. */
  readonly forced: ReadonlyMap<Digest, readonly string[] | undefined>;
  /** These go if nothing keeps them then, and if they are not younger than `before`. */
  readonly ifDead: ReadonlySet<Digest>;
  readonly before: Ms | undefined;
}

function remove(tables: Tables, repository: string, { forced, ifDead, before }: Removals): Digest[] {
  const { sql } = tables;
  const removed: Digest[] = [];
  const take = (digest: Digest) => {
    for (const { name } of new SqlGraph(tables).machinery(repository, digest)) sql.dropTag.run(repository, name);
    tables.removeMember(repository, digest);
    removed.push(digest);
  };
  for (const [digest, tags] of forced) {
    if (!tables.isMember(repository, digest)) throw notFound(digest);
    const roots = new SqlGraph(tables).roots(manifestNode(repository, digest));
    const others = roots.filter(({ why, name }) => tags && why === "tag" && !tags.includes(name!));
    mustBeFree(
      digest,
      others.map(({ name }) => `tag ${name}`),
    );
    take(digest);
    // Only here: what is dropped has lost its last reason before, and its grace is counted from then.
    tables.touch(digest);
  }
  const graph = new SqlGraph(tables);
  for (const digest of forced.keys()) {
    const node = manifestNode(repository, digest);
    const naming = [...graph.parents(node), ...graph.referrers(node)].filter((holder) => graph.isLive(holder));
    const held = graph.roots(node).map(({ why, name }) => `${why} ${name}`);
    mustBeFree(digest, [...held, ...new Set(naming.map((holder) => holder.digest))]);
  }
  const isKept = keptBy(tables, before);
  for (const digest of ifDead) {
    if (!isKept(manifestNode(repository, digest)) && tables.isMember(repository, digest)) take(digest);
  }
  return removed;
}

function mustBeFree(digest: Digest, holders: readonly string[]): void {
  if (holders.length > 0) throw inUse(digest, holders);
}
