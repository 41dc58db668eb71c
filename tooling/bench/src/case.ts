import type { Made } from "./layout/generate.ts";
import type { Inside } from "./measure.ts";
import type { Workspace } from "./workspace.ts";

/** How much is measured. */
export interface Scale {
  /** Blobs of the layouts. */
  readonly sizes: readonly number[];
  /** Manifests that are pushed to the smallest layout; to larger ones fewer, or it would take hours. */
  readonly pushes: number;
  /** Bytes of what is large. */
  readonly bytes: number;
  /** Images of the copy of many small ones. */
  readonly images: number;
  /** Manifests of the stores that have a catalog. */
  readonly manifests: readonly number[];
  /** Dead blobs that are collected while others push. */
  readonly dead: number;
  /** Nodes of the graph that is marked. */
  readonly nodes: number;
  /** How often each is measured at the most. */
  readonly runs: number;
  /** Milliseconds that one run may take. */
  readonly limit: number;
}

/** One that does the work: ours, a peer, or what the machine needs for a part of it alone. */
export interface Contestant {
  readonly who: string;
  /** The command that is measured, for the page. */
  readonly command: string;
  readonly argv: (place: Place) => readonly string[];
  /** It is there for comparison only, and does not all of the work. */
  readonly isBare?: boolean;
  readonly isTimedInside?: boolean;
  /** It opens the layout with the catalog beside it, which then has to have one. */
  readonly hasCatalog?: boolean;
  /** Another tool: what it cannot do is said, and stops nothing. */
  readonly isPeer?: boolean;
}

/** What one run works on. */
export interface Place {
  readonly directory: string;
  readonly made: Made;
}

/** One size of a case. */
export interface Setting {
  /** As the first column of the table has it. */
  readonly label: string;
  readonly contestants: readonly Contestant[];
  /** For each run. */
  readonly place: (o: { readonly hasCatalog: boolean }) => Promise<Place>;
  /** It is run no more often than this. */
  readonly runs?: number;
  /** One run may take so many milliseconds, if that is more than is usual. */
  readonly limit?: number;
  /** The work is so many of the same, and the figure is for each. */
  readonly count?: number;
  /** The work is so many bytes, and the figure is how many a second. */
  readonly bytes?: number;
  /** What has become of the layout, in a few words. */
  readonly outcome?: (place: Place, inside: Inside) => string;
}

export interface Case {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly settings: (workspace: Workspace, scale: Scale) => readonly Setting[];
  /** Who is not measured, and why. */
  readonly leftOut: readonly (readonly [string, string])[];
}
