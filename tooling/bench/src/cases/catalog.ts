import type { Case, Contestant, Place, Scale, Setting } from "../case.ts";
import { FIRST_TAG, type Stock, targetOf } from "../catalog/stock.ts";
import type { Inside } from "../measure.ts";
import { time } from "../report/words.ts";
import type { Workspace } from "../workspace.ts";
import { inNode } from "./contestants.ts";
import { grouped } from "./sized.ts";

/** Deleted one by one, each by a process of its own. */
const TARGETS = 24;
/** Images of ten blobs. */
const DEAD = 100;
/** Fewer, if fewer are asked for. */
const PUSHES = 500;
const IDLE = 1000;
const LONG = 900_000;
const ALONE: readonly (readonly [string, string])[] = [];

/** The catalog alone, at sizes that no other gets to: what counts is how little a larger store costs. */
export const catalogCases: readonly Case[] = [
  {
    name: "catalog-open",
    title: "With a catalog: open a store and resolve a tag",
    about: "The figure is for opening and resolving, without the start of Node.",
    settings: stocked({ who: [one("`layoutCatalog`, `resolve`", "resolve", () => FIRST_TAG)] }),
    leftOut: ALONE,
  },
  {
    name: "catalog-push",
    title: "With a catalog: push small manifests, each with a tag",
    about:
      "One after the other, each durable before the next. index.json is written meanwhile as well, coalesced; the last time that it is written is when the store is closed.",
    settings: (workspace, scale) => {
      const count = Math.min(PUSHES, scale.pushes);
      const who = [one("`session.putManifest`, with a tag", "push", () => `${count}`)];
      return stocked({ who, changes: true, count })(workspace, scale);
    },
    leftOut: ALONE,
  },
  {
    name: "catalog-delete",
    title: "With a catalog: delete an image of ten blobs",
    about:
      "By its tag: the plan, its application and the files. Where index.json is kept for other tools, it is written whole before the files go.",
    settings: (workspace, scale) =>
      scale.manifests.map((manifests) => {
        let next = 0;
        return {
          label: labelOf(manifests),
          contestants: two("`repository.delete`", "delete", ({ made }) => made.tag),
          place: async () => {
            const { directory, made } = await workspace.stocked(stockOf(manifests));
            return { directory, made: { ...made, tag: targetOf(next++) } };
          },
          runs: TARGETS / 2,
        };
      }),
    leftOut: ALONE,
  },
  {
    name: "catalog-gc",
    title: "With a catalog: collect 1 000 dead blobs",
    about: "A hundred images of ten blobs whose tags have gone; what lives is never looked at.",
    settings: stocked({
      who: two("`collect({ grace: 0 })`", "gc", () => ""),
      changes: true,
      outcome: (_, { removed = 0 }) => `${grouped(removed)} blobs gone`,
    }),
    leftOut: ALONE,
  },
  {
    name: "catalog-full",
    title: "With a catalog: mark the whole store",
    about:
      "`gc --full`: every manifest and edge is read from the database, marked, and held against what the queue says.",
    settings: stocked({
      who: [one("`planCollect({ full: true })`", "full", () => "")],
      runs: 1,
      limit: LONG,
      outcome: (_, { missed = 0 }) => `${grouped(missed)} differences`,
    }),
    leftOut: ALONE,
  },
  {
    name: "catalog-beside",
    title: "With a catalog: push while a collection runs",
    about:
      "The figure is the time within which 99 of 100 pushes of a small manifest with a tag are done while dead blobs are collected.",
    settings: (workspace, { dead, pushes, manifests: [smallest = 0] }) => [
      {
        label: `${grouped(dead)} dead blobs`,
        contestants: [
          one("`collect` in another process", "beside", () => `${Math.min(IDLE, pushes)}`),
          one("`collect` in this process", "within", () => `${Math.min(IDLE, pushes)}`),
        ],
        place: async () =>
          workspace.copyOf(await workspace.stocked({ manifests: smallest, targets: 0, dead: dead / 10 })),
        runs: 1,
        limit: LONG,
        outcome: (_, { idle = 0, pushed = 0 }) => `${time(idle)} while nobody collects; ${grouped(pushed)} pushes`,
      },
    ],
    leftOut: ALONE,
  },
];

function one(command: string, verb: string, argument: (place: Place) => string, projection = "coalesced"): Contestant {
  const argv = (place: Place) => [verb, place.directory, projection, argument(place)];
  return inNode("ocistore, SQLite", command, "catalog", argv, { isTimedInside: true });
}

/** The catalog by itself, and with an index.json that has to be written whole before anything is erased that it may list. */
function two(command: string, verb: string, argument: (place: Place) => string): Contestant[] {
  return [
    one(`${command}, the catalog alone`, verb, argument, "off"),
    one(`${command}, with index.json`, verb, argument),
  ];
}

function stocked(o: {
  readonly who: readonly Contestant[];
  readonly changes?: boolean;
  readonly count?: number;
  readonly runs?: number;
  readonly limit?: number;
  readonly outcome?: (place: Place, inside: Inside) => string;
}): (workspace: Workspace, scale: Scale) => Setting[] {
  const { who, changes, ...rest } = o;
  return (workspace, scale) =>
    scale.manifests.map((manifests) => ({
      ...rest,
      label: labelOf(manifests),
      contestants: who,
      place: async () => {
        const place = await workspace.stocked(stockOf(manifests));
        return changes ? workspace.copyOf(place) : place;
      },
    }));
}

const stockOf = (manifests: number): Stock => ({ manifests, targets: TARGETS, dead: DEAD });
const labelOf = (manifests: number): string => `${grouped(manifests)} manifests`;
