import {
  type CatalogCell,
  type CondemnedRow,
  type CondemnItem,
  type Digest,
  Draft,
  isOciStoreError,
  type Placement,
} from "@ocistore/core";
import { type Mutant, over, rewrite } from "./mutant.ts";

/** Condemns behind the back of the catalog, without a look. */
async function blindly(
  cell: CatalogCell,
  items: readonly CondemnItem[],
  run: string,
  until: number,
): Promise<Digest[]> {
  await rewrite(cell, (state) => {
    const draft = new Draft(state);
    for (const item of items) {
      const row = { ...item, run, until, id: item.digest, purging: false, repositories: new Map() };
      draft.condemned.set(item.digest, row);
      draft.blobs.delete(item.digest);
    }
    return draft;
  });
  return items.map(({ digest }) => digest);
}

/** Purges behind the back of the catalog, one kind after the other. */
async function inOrder(
  cell: CatalogCell,
  due: number,
  kinds: readonly CondemnItem["kind"][],
  erase: (placements: readonly Placement[]) => Promise<readonly Digest[]>,
): Promise<{ purged: CondemnedRow[]; revived: Digest[] }> {
  const { state } = await cell.load();
  const rows = [...state.condemned.values()].filter(({ until }) => until <= due);
  for (const kind of kinds) {
    const batch = rows.filter((row) => row.kind === kind);
    if (batch.length > 0) await erase(batch);
  }
  await rewrite(cell, (now) => {
    const draft = new Draft(now);
    for (const { digest } of rows) draft.condemned.delete(digest);
    return draft;
  });
  return { purged: rows, revived: [] };
}

export const collectingMutants: readonly Mutant[] = [
  {
    name: "condemning trusts the caller",
    test: "condemning: it looks for itself, whatever the caller says: nothing live is taken",
    break: ({ catalog, cell }) => ({
      catalog: over(catalog, { condemn: (items, { run, until }) => blindly(cell, items, run, until) }),
    }),
  },
  {
    name: "condemning looks at claims no more",
    test: "claims: what was added is held until its owner releases it",
    break: ({ catalog, cell }) => ({
      catalog: over(catalog, {
        condemn: async (items, o) => {
          await rewrite(cell, (state) => {
            const draft = new Draft(state);
            for (const owner of state.claims.keys()) draft.claims.delete(owner);
            return draft;
          });
          return catalog.condemn(items, o);
        },
      }),
    }),
  },
  {
    name: "condemning takes the young",
    test: "condemning: what came or was lost after `before` is too young",
    break: ({ catalog }) => ({
      catalog: over(catalog, { condemn: (items, o) => catalog.condemn(items, { ...o, before: undefined }) }),
    }),
  },
  {
    name: "grace does not flow down",
    test: "condemning: old content under a young manifest is as young",
    break: ({ catalog }) => ({
      catalog: over(catalog, {
        condemn: async (items, { before, ...o }) => {
          const old: CondemnItem[] = [];
          for (const item of items) {
            const located = await catalog.locate(undefined, item.digest);
            if (before === undefined || !located || located.since <= before) old.push(item);
          }
          return catalog.condemn(old, o);
        },
      }),
    }),
  },
  {
    name: "a collector that was followed goes on",
    test: "condemning: a collector that another has followed is refused, and takes nothing",
    break: ({ catalog }) => ({
      catalog: over(catalog, { condemn: (items, o) => catalog.condemn(items, { ...o, epoch: undefined }) }),
    }),
  },
  {
    name: "another copy is condemned than the planned one",
    test: "condemning: another copy than the planned one is left alone",
    break: ({ catalog }) => ({
      catalog: over(catalog, {
        condemn: async (items, o) => {
          const present = await Promise.all(
            items.map(async (item) => ({ ...item, ...(await catalog.locate(undefined, item.digest)) })),
          );
          return catalog.condemn(present, o);
        },
      }),
    }),
  },
  {
    name: "purging does not wait",
    test: "purging: what is not due stays",
    break: ({ catalog }) => ({
      catalog: over(catalog, { purge: (erase, o) => catalog.purge(erase, { ...o, due: Number.MAX_SAFE_INTEGER }) }),
    }),
  },
  {
    name: "children are purged first",
    test: "purging: nothing goes while a manifest that names it is still there",
    break: ({ catalog, cell }) => ({
      catalog: over(catalog, { purge: (erase, { due }) => inOrder(cell, due, ["blob", "manifest"], erase) }),
    }),
  },
  {
    name: "manifests are purged together with what they name",
    test: "purging: nothing goes while a manifest that names it is still there",
    break: ({ catalog, cell }) => ({
      catalog: over(catalog, { purge: (erase, { due }) => inOrder(cell, due, ["manifest", "blob"], erase) }),
    }),
  },
  {
    name: "what could not be erased is forgotten",
    test: "purging: what could not be erased stays condemned, with all that it names",
    break: ({ catalog }) => ({
      catalog: over(catalog, {
        purge: (erase, o) =>
          catalog.purge(async (placements) => {
            await erase(placements);
            return placements.map(({ digest }) => digest);
          }, o),
      }),
    }),
  },
  {
    name: "a failure to erase is swallowed",
    test: "purging: a failure to erase is reported as it was, and loses nothing",
    break: ({ catalog }) => ({
      catalog: over(catalog, { purge: (erase, o) => catalog.purge((list) => erase(list).catch(() => []), o) }),
    }),
  },
  {
    name: "a purge takes every run",
    test: "purging: a run is purged without the others",
    break: ({ catalog }) => ({
      catalog: over(catalog, { purge: (erase, o) => catalog.purge(erase, { ...o, run: undefined }) }),
    }),
  },
  {
    name: "a purge knows no limit",
    test: "purging: no more than the limit go",
    break: ({ catalog }) => ({
      catalog: over(catalog, { purge: (erase, o) => catalog.purge(erase, { ...o, limit: 1000 }) }),
    }),
  },
  {
    name: "a manifest is revived alone",
    test: "reviving: a manifest comes back with all that it names",
    break: ({ catalog, cell, env }) => ({
      catalog: over(catalog, {
        revive: async (digests) => {
          const { state } = await cell.load();
          const rows = digests.flatMap((digest) => state.condemned.get(digest) ?? []);
          await rewrite(cell, (now) => {
            const draft = new Draft(now);
            for (const { digest, size, generation } of rows) {
              draft.condemned.delete(digest);
              draft.blobs.set(digest, { digest, size, generation, since: env.now() });
            }
            return draft;
          });
          return rows.map(({ digest }) => digest);
        },
      }),
    }),
  },
  {
    name: "looking brings back",
    test: "bringing back: looking brings nothing back",
    break: ({ catalog }) => ({
      catalog: over(catalog, {
        locate: async (repository, digest, o) => {
          await catalog.revive([digest]);
          return catalog.locate(repository, digest, o);
        },
      }),
    }),
  },
  {
    name: "who is fenced off is told nothing",
    test: "condemning: a collector that another has followed is refused, and takes nothing",
    break: ({ catalog }) => ({
      catalog: over(catalog, {
        condemn: (items, o) =>
          catalog.condemn(items, o).catch((error: unknown) => {
            if (isOciStoreError(error, "CONFLICT")) return [];
            throw error;
          }),
      }),
    }),
  },
];
