import {
  type CatalogCell,
  type Change,
  Draft,
  isOciStoreError,
  type Membership,
  type RemovalRun,
} from "@ocistore/core";
import { all } from "../../src/bytes.ts";
import { type Mutant, over, rewrite } from "./mutant.ts";

/** Writes the `own` mark of every manifest behind the back of the catalog. */
async function mark(cell: CatalogCell, own: boolean): Promise<void> {
  await rewrite(cell, (state) => {
    const draft = new Draft(state);
    for (const name of state.repositories.keys()) {
      const { manifests } = draft.repository(name);
      for (const [digest, member] of [...manifests]) manifests.set(digest, { ...member, own } satisfies Membership);
    }
    return draft;
  });
}

const NOTHING = { tags: [], left: [], manifests: [], content: [] };

/** A mutant whose catalog gets other steps than were asked for. */
function misreading(name: string, test: string, read: (step: Change) => readonly Change[]): Mutant {
  return {
    name,
    test,
    break: ({ catalog }) => ({
      catalog: over(catalog, {
        change: async (repository, changes, o) => {
          const tags = new Map((await all(catalog.tags(repository))).map((tag) => [tag.name, tag.digest]));
          const steps = changes.flatMap(read).filter((step) => step.do !== "untag" || tags.has(step.name));
          return catalog.change(repository, steps, o);
        },
      }),
    }),
  };
}

export const undoingMutants: readonly Mutant[] = [
  {
    name: "undoing brings back bytes alone",
    test: "undoing: tag, manifest and bytes come back, and stay",
    break: ({ catalog }) => ({
      catalog: over(catalog, {
        undo: async (run) => {
          const digests = (await all(catalog.condemned())).map(({ digest }) => digest);
          return { ...NOTHING, run, content: await catalog.revive(digests) };
        },
      }),
    }),
  },
  {
    name: "what comes back is nobody's root",
    test: "undoing: what was a root of its own is one again",
    break: ({ catalog, cell }) => ({
      catalog: over(catalog, {
        undo: async (run, o) => {
          const undone = await catalog.undo(run, o);
          await mark(cell, false);
          return undone;
        },
      }),
    }),
  },
  {
    name: "all that comes back is a root",
    test: "undoing: all that went with it comes back as what it was",
    break: ({ catalog, cell }) => ({
      catalog: over(catalog, {
        undo: async (run, o) => {
          const undone = await catalog.undo(run, o);
          await mark(cell, true);
          return undone;
        },
      }),
    }),
  },
  {
    name: "a mark that a removal has set stays",
    test: "undoing: children that were kept are no roots of their own any more",
    break: ({ catalog, cell }) => ({
      catalog: over(catalog, {
        undo: async (run, o) => {
          await rewrite(cell, (state) => {
            const draft = new Draft(state);
            draft.runs.set(run, { ...state.runs.get(run)!, marks: [] });
            return draft;
          });
          return catalog.undo(run, o);
        },
      }),
    }),
  },
  {
    name: "a run without bytes has no time",
    test: "undoing: one of two tags comes back, where nothing else went",
    break: ({ catalog }) => ({
      catalog: over(catalog, {
        change: (repository, changes, o) => catalog.change(repository, changes, { ...o, until: undefined }),
      }),
    }),
  },
  {
    name: "the first run is listed first",
    test: "undoing: runs are listed with what they took, the latest first, until their time is over",
    break: ({ catalog }) => ({
      catalog: over(catalog, {
        runs: async function* (o): AsyncGenerator<RemovalRun> {
          yield* (await all(catalog.runs(o))).reverse();
        },
      }),
    }),
  },
  {
    name: "what is undone can be undone again",
    test: "undoing: what is not there cannot be undone, and nothing can be undone twice",
    break: ({ catalog, cell }) => ({
      catalog: over(catalog, {
        undo: async (run, o) => {
          const { state } = await cell.load();
          const undone = await catalog.undo(run, o);
          await rewrite(cell, (now) => {
            const draft = new Draft(now);
            draft.runs.set(run, state.runs.get(run)!);
            return draft;
          });
          return undone;
        },
      }),
    }),
  },
  {
    name: "a tag is taken back from where it is",
    test: "undoing: a tag that is elsewhere by now is in the way, and then nothing changes",
    break: ({ catalog }) => ({
      catalog: over(catalog, { undo: (run, o) => catalog.undo(run, { ...o, moved: "take" }) }),
    }),
  },
  {
    name: "what loses its tag to another is lost again",
    test: "undoing: such a tag can be left where it is",
    break: ({ catalog, cell }) => ({
      catalog: over(catalog, {
        undo: async (run, o) => {
          const undone = await catalog.undo(run, o);
          await mark(cell, false);
          return undone;
        },
      }),
    }),
  },
  {
    name: "no tag is taken back",
    test: "undoing: or be taken back",
    break: ({ catalog }) => ({
      catalog: over(catalog, { undo: (run, o) => catalog.undo(run, { ...o, moved: "leave" }) }),
    }),
  },
  {
    name: "what is left of a run comes back",
    test: "undoing: what has been erased does not come back by halves",
    break: ({ catalog }) => ({
      catalog: over(catalog, {
        undo: async (run, o) => {
          try {
            return await catalog.undo(run, o);
          } catch (error) {
            if (isOciStoreError(error, "MISSING_CONTENT"))
              await catalog.revive((await all(catalog.condemned())).map(({ digest }) => digest));
            throw error;
          }
        },
      }),
    }),
  },
  {
    name: "what was missing before is asked for",
    test: "undoing: what was missing before does not stand in the way",
    break: ({ catalog, cell }) => ({
      catalog: over(catalog, {
        undo: async (run, o) => {
          await rewrite(cell, (state) => {
            const draft = new Draft(state);
            const record = state.runs.get(run)!;
            const manifests = record.manifests.map((each) => ({
              ...each,
              membership: { ...each.membership, absent: [] },
            }));
            draft.runs.set(run, { ...record, manifests, absent: [] });
            return draft;
          });
          return catalog.undo(run, o);
        },
      }),
    }),
  },
  {
    name: "pins go with what is undone",
    test: "undoing: what was done since stays, and so do pins",
    break: ({ catalog, cell }) => ({
      catalog: over(catalog, {
        undo: async (run, o) => {
          await rewrite(cell, (state) => {
            const draft = new Draft(state);
            for (const name of state.repositories.keys())
              for (const pin of [...draft.repository(name).pins.keys()]) draft.repository(name).pins.delete(pin);
            return draft;
          });
          return catalog.undo(run, o);
        },
      }),
    }),
  },
  misreading(
    "a tag expires wherever it is",
    "ageing: a tag that a rule has judged goes if it is where it was",
    (step) => (step.do === "expire" ? [{ do: "untag", name: step.name }] : [step]),
  ),
  misreading("a grace begins when a tag expires", "ageing: no grace begins by that", (step) =>
    step.do === "expire" ? [{ do: "untag", name: step.name, expect: step.on }] : [step],
  ),
  misreading("the young lose their own mark", "ageing: the own mark goes for age, and not before it", (step) =>
    step.do === "disown" ? [{ ...step, before: Number.MAX_SAFE_INTEGER }] : [step],
  ),
];
