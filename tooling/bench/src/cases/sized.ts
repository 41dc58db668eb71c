import type { Contestant, Scale, Setting } from "../case.ts";
import type { Workspace } from "../workspace.ts";

export const SEED = 20_240_101;

/** A setting for each size of layout. */
export function sized(
  workspace: Workspace,
  { sizes }: Scale,
  o: {
    readonly contestants: readonly Contestant[];
    /** Each run gets a copy of its own. */
    readonly changes?: boolean;
    readonly garbage?: number;
    readonly count?: (blobs: number) => number;
    readonly outcome?: Setting["outcome"];
  },
): Setting[] {
  return sizes.map((blobs) => {
    const base = async (hasCatalog: boolean) => {
      const plain = workspace.layout({ blobs, seed: SEED, garbage: o.garbage ?? 0 });
      return hasCatalog ? workspace.withCatalog(plain) : plain;
    };
    return {
      label: `${grouped(blobs)} blobs`,
      contestants: o.contestants,
      place: async ({ hasCatalog }) => {
        const place = await base(hasCatalog);
        return o.changes ? workspace.copyOf(place) : place;
      },
      ...(o.outcome && { outcome: o.outcome }),
    };
  });
}

export const grouped = (value: number): string => `${value}`.replace(/\B(?=(\d{3})+$)/g, " ");
