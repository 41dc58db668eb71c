import { type Catalog, type CatalogCell, type Change, type Digest, Draft } from "@ocistore/core";
import { type Mutant, over, rewrite, type Whole } from "./mutant.ts";

function stepping({ catalog }: Whole, change: (step: Change) => Change | undefined): { catalog: Catalog } {
  return {
    catalog: over(catalog, {
      change: (repository, changes, o) =>
        catalog.change(
          repository,
          changes.map(change).filter((step) => step !== undefined),
          o,
        ),
    }),
  };
}

/** Nobody else is looked out for. */
function blindCell(cell: CatalogCell): CatalogCell {
  return {
    exclusive: (fn) => fn(),
    load: async () => {
      const loaded = await cell.load();
      await Promise.resolve();
      return loaded;
    },
    replace: async (_, draft) => {
      for (;;) {
        const { version } = await cell.load();
        if (await cell.replace(version, draft)) return true;
      }
    },
    close: () => cell.close(),
  };
}

export const changeMutants: readonly Mutant[] = [
  {
    name: "a tag moves whatever is expected",
    test: "tags: a tag moves only if it is where it is expected",
    break: (whole) => stepping(whole, (step) => (step.do === "tag" ? { ...step, expect: undefined } : step)),
  },
  {
    name: "a tag goes whatever is expected",
    test: "tags: a tag goes only if it is where it is expected",
    break: (whole) => stepping(whole, (step) => (step.do === "untag" ? { ...step, expect: undefined } : step)),
  },
  {
    name: "the last writer wins",
    test: "tags: of many who expect the same, exactly one wins",
    cell: blindCell,
  },
  {
    name: "the steps of a change are changes of their own",
    test: "tags: all steps or none",
    break: ({ catalog }) => ({
      catalog: over(catalog, {
        change: async (repository, changes, o) => {
          const removed: Digest[] = [];
          for (const step of changes) removed.push(...(await catalog.change(repository, [step], o)));
          return removed;
        },
      }),
    }),
  },
  {
    name: "content is not looked for",
    test: "recording: content that is not stored is MISSING_CONTENT, which names it",
    break: (whole) => stepping(whole, (step) => (step.do === "put" ? { ...step, sparse: true } : step)),
  },
  {
    name: "no index may be sparse",
    test: "recording: a child manifest that is not stored is MISSING_CONTENT, unless the index is sparse",
    break: (whole) => stepping(whole, (step) => (step.do === "put" ? { ...step, sparse: false } : step)),
  },
  {
    name: "what is missing is not named",
    test: "recording: content that is not stored is MISSING_CONTENT, which names it",
    break: ({ catalog }) => ({
      catalog: over(catalog, {
        change: (repository, changes, o) =>
          catalog.change(repository, changes, o).catch((error: Error & { data?: object }) => {
            throw Object.assign(error, { data: { ...error.data, digests: [] } });
          }),
      }),
    }),
  },
  {
    name: "a manifest is removed without its tags",
    test: "removing: a manifest goes with all its tags, and with no other",
    break: ({ catalog, cell }) => ({
      catalog: over(catalog, {
        change: async (repository, changes, o) => {
          const { state } = await cell.load();
          const before = new Map(state.repositories.get(repository)?.tags);
          const removed = await catalog.change(repository, changes, o);
          if (removed.length > 0) {
            await rewrite(cell, (now) => {
              const draft = new Draft(now);
              for (const [tag, to] of before) draft.repository(repository).tags.set(tag, to);
              return draft;
            });
          }
          return removed;
        },
      }),
    }),
  },
  {
    name: "a manifest is removed with tags that nobody expected",
    test: "removing: with tags given, a tag that was not expected holds it",
    break: (whole) => stepping(whole, (step) => (step.do === "remove" ? { ...step, tags: undefined } : step)),
  },
  {
    name: "a drop takes the young",
    test: "removing: drop leaves alone what lost its last reason after `before`, and what that keeps",
    break: ({ catalog }) => ({
      catalog: over(catalog, {
        change: (repository, changes, o) => catalog.change(repository, changes, { ...o, before: undefined }),
      }),
    }),
  },
  {
    name: "nothing can be kept",
    test: "removing: keep makes a child a root of its own",
    break: (whole) => stepping(whole, (step) => (step.do === "keep" ? undefined : step)),
  },
  {
    name: "a drop is a removal",
    test: "removing: drop takes what nothing keeps, and skips the rest silently",
    break: (whole) => stepping(whole, (step) => (step.do === "drop" ? { ...step, do: "remove" } : step)),
  },
  {
    name: "a blob that is in use can be unlinked",
    test: "removing: a blob that a manifest names is IN_USE, which names the manifest",
    break: (whole) => stepping(whole, (step) => (step.do === "unlink" ? undefined : step)),
  },
  {
    name: "a pin never runs out",
    test: "pins: a pin runs out at its time",
    break: (whole) => stepping(whole, (step) => (step.do === "pin" ? { ...step, until: undefined } : step)),
  },
  {
    name: "tags are in the order of a locale",
    test: "paging: tags come in the order of their ASCII codes",
    break: ({ catalog }) => ({
      catalog: over(catalog, {
        tags: async function* (repository, page) {
          const list = [];
          for await (const tag of catalog.tags(repository, page)) list.push(tag);
          yield* list.sort((a, b) => a.name.localeCompare(b.name, "en"));
        },
      }),
    }),
  },
  {
    name: "a page begins with the name it should begin after",
    test: "paging: a page of tags begins after a name and has at most so many",
    break: ({ catalog }) => ({
      catalog: over(catalog, {
        tags: async function* (repository, page = {}) {
          const { after, ...rest } = page;
          for await (const tag of catalog.tags(repository, rest))
            if (after === undefined || tag.name >= after) yield tag;
        },
      }),
    }),
  },
  {
    name: "a signal is not looked at",
    test: "cancelling: change rejects with the reason of a signal that has been aborted",
    break: ({ catalog }) => ({
      catalog: over(catalog, { change: (repository, changes) => catalog.change(repository, changes) }),
    }),
  },
];
