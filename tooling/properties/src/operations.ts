import fc from "fast-check";
import { BLOBS, type Sketch } from "./documents.ts";
import type { Between } from "./undoing.ts";

// A script: manifests that may be pushed, and what is done with them. Plain data, so that a failing one can be kept as a
// test. Numbers choose among what there is at that moment and wrap around, so every script means something.

/** The name of a tag: one of a few, or one that makes its manifest a referrer of a document (`after`). */
export type TagName =
  | { readonly plain: number }
  | { readonly after: number; readonly form: "" | ".sig" | ".att" | ".sbom" };

/** What to delete: one of the tags there are, or a document. */
type TargetChoice = { readonly tag: number } | { readonly document: number };

export interface DeleteChoice {
  readonly repository: number;
  readonly targets: readonly TargetChoice[];
  readonly children?: "keep" | undefined;
  readonly referrers?: boolean | undefined;
}

export type Operation =
  /** In a session of its own, or (`session`) in one that stays open. */
  | {
      readonly do: "push";
      readonly repository: number;
      readonly document: number;
      readonly tags: readonly TagName[];
      readonly sparse?: boolean | undefined;
      readonly session?: boolean | undefined;
    }
  | {
      readonly do: "pushBlob";
      readonly repository: number;
      readonly blob: number;
      readonly session?: boolean | undefined;
    }
  | { readonly do: "claim"; readonly repository: number; readonly from: number; readonly content: readonly number[] }
  | { readonly do: "endSession"; readonly session: number }
  | { readonly do: "tag"; readonly repository: number; readonly document: number; readonly tag: TagName }
  | { readonly do: "untag"; readonly repository: number; readonly tag: number }
  | {
      readonly do: "pin";
      readonly repository: number;
      readonly content: number;
      readonly name: number;
      readonly minutes?: number | undefined;
    }
  | { readonly do: "unpin"; readonly repository: number; readonly pin: number }
  | { readonly do: "wait"; readonly minutes: number }
  | ({ readonly do: "delete" | "planDelete" } & DeleteChoice)
  | { readonly do: "collect" | "planCollect"; readonly minutes?: number | undefined }
  | { readonly do: "apply"; readonly plan: number }
  /** A deletion or a collection with a window, something else, and then all of it undone. */
  | ({ readonly do: "deleteAndUndo" } & DeleteChoice & Between)
  | ({ readonly do: "collectAndUndo"; readonly grace?: number | undefined } & Between);

export interface Script {
  readonly documents: readonly Sketch[];
  readonly operations: readonly Operation[];
}

const small = fc.nat({ max: 7 });
const repository = fc.nat({ max: 1 });
const rarely = fc.oneof(
  { arbitrary: fc.constant(undefined), weight: 4 },
  { arbitrary: fc.constant(true as const), weight: 1 },
);

const sketch: fc.Arbitrary<Sketch> = fc.record({
  kind: fc.oneof(
    { arbitrary: fc.constant("image" as const), weight: 3 },
    { arbitrary: fc.constant("index" as const), weight: 2 },
  ),
  config: fc.nat({ max: 1 }),
  layers: fc.array(
    fc.oneof(
      { arbitrary: fc.nat({ max: BLOBS - 1 }), weight: 8 },
      { arbitrary: fc.integer({ min: BLOBS, max: BLOBS + 5 }), weight: 1 },
    ),
    { maxLength: 2 },
  ),
  children: fc.array(small, { minLength: 1, maxLength: 3 }),
  subject: fc.oneof(
    { arbitrary: fc.constant(undefined), weight: 3 },
    { arbitrary: small, weight: 2 },
    { arbitrary: fc.integer({ min: -4, max: -1 }), weight: 1 },
  ),
});

const tagName: fc.Arbitrary<TagName> = fc.oneof(
  { arbitrary: fc.record({ plain: fc.nat({ max: 2 }) }), weight: 3 },
  {
    arbitrary: fc.record({ after: small, form: fc.constantFrom("" as const, ".sig" as const, ".att" as const) }),
    weight: 1,
  },
);

const target: fc.Arbitrary<TargetChoice> = fc.oneof(
  { arbitrary: fc.record({ tag: small }), weight: 2 },
  { arbitrary: fc.record({ document: small }), weight: 1 },
);

const choice = {
  repository,
  targets: fc.array(target, { minLength: 1, maxLength: 2 }),
  children: fc.constantFrom(undefined, undefined, undefined, "keep" as const),
  referrers: rarely,
};

const minutes = fc.constantFrom(undefined, 0, 0, 30);
const between = { minutes: fc.constantFrom(0, 20, 90), blob: small };

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant("push" as const),
      repository,
      document: small,
      tags: fc.array(tagName, { maxLength: 2 }),
      sparse: rarely,
      session: rarely,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("pushBlob" as const), repository, blob: small, session: rarely }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("claim" as const),
      repository,
      from: repository,
      content: fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("endSession" as const), session: small }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("tag" as const), repository, document: small, tag: tagName }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("untag" as const), repository, tag: small }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("pin" as const),
      repository,
      content: fc.nat({ max: 12 }),
      name: fc.nat({ max: 1 }),
      minutes: fc.constantFrom(undefined, 20, 90),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("unpin" as const), repository, pin: small }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), minutes: fc.constantFrom(10, 40, 70) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("delete" as const), ...choice }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("planDelete" as const), ...choice }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("collect" as const), minutes }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("planCollect" as const), minutes }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("apply" as const), plan: small }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("deleteAndUndo" as const), ...choice, ...between }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("collectAndUndo" as const), grace: minutes, ...between }) },
);

export const script: fc.Arbitrary<Script> = fc.record({
  documents: fc.array(sketch, { minLength: 2, maxLength: 7 }),
  operations: fc.array(operation, { minLength: 4, maxLength: 24 }),
});
