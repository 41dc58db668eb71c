import { type Mutant, over } from "./mutant.ts";

const sound = async () => true;

export const replacingMutants: readonly Mutant[] = [
  {
    name: "a damaged copy is taken, and the sound one forgotten",
    test: "replacing: a sound copy takes the place of a damaged one",
    break: ({ catalog }) => ({
      catalog: over(catalog, { replaceCopy: (damaged, o) => catalog.replaceCopy(damaged, { ...o, by: undefined }) }),
    }),
  },
  {
    name: "the record of a manifest stays on the damaged copy",
    test: "replacing: a manifest whose copy was replaced is what it was",
    break: ({ catalog, cell }) => ({
      catalog: over(catalog, {
        replaceCopy: async (damaged, o) => {
          const before = (await cell.load()).state.records.get(damaged.digest);
          const done = await catalog.replaceCopy(damaged, o);
          const { state } = await cell.load();
          if (before) (state.records as Map<typeof damaged.digest, typeof before>).set(damaged.digest, before);
          return done;
        },
      }),
    }),
  },
  {
    name: "a damaged copy stays in use",
    test: "replacing: a damaged blob without a sound copy is absent, and can be stored anew",
    break: ({ catalog }) => ({ catalog: over(catalog, { replaceCopy: async () => true }) }),
  },
  {
    name: "a manifest is set aside like any blob",
    test: "replacing: a manifest is never taken without a sound copy",
    break: ({ catalog }) => ({
      catalog: over(catalog, { replaceCopy: async (damaged, o) => (await o.erase([damaged])).length > 0 }),
    }),
  },
  {
    name: "nobody looks at the copy again",
    test: "replacing: a copy that is sound by now stays",
    break: ({ catalog }) => ({
      catalog: over(catalog, { replaceCopy: (damaged, o) => catalog.replaceCopy(damaged, { ...o, confirm: sound }) }),
    }),
  },
  {
    name: "keeping aside is taking away",
    test: "replacing: bytes that are kept aside stay where they are",
    break: ({ blobs }) => ({
      blobs: over(blobs, {
        keepAside: async (placement) => {
          for await (const _ of blobs.delete([placement])) break;
          return "aside";
        },
      }),
    }),
  },
  {
    name: "whatever copy is in use is replaced",
    test: "replacing: a copy that is not the one in use any more is left alone",
    break: ({ catalog }) => ({
      catalog: over(catalog, {
        replaceCopy: async (damaged, o) => {
          const used = await catalog.locate(undefined, damaged.digest);
          return catalog.replaceCopy(used ?? damaged, o);
        },
      }),
    }),
  },
];
