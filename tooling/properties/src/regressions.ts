import type { Sketch } from "./documents.ts";
import type { Operation, Script } from "./operations.ts";

const image = (subject?: number, layers: readonly number[] = []): Sketch => ({
  kind: "image",
  config: 0,
  layers,
  children: [],
  subject,
});
const index = (children: readonly number[], subject?: number): Sketch => ({
  kind: "index",
  config: 0,
  layers: [],
  children,
  subject,
});
const push = (
  document: number,
  tags: Extract<Operation, { do: "push" }>["tags"] = [],
  o: { readonly repository?: number; readonly sparse?: boolean; readonly session?: boolean } = {},
): Operation => ({ do: "push", repository: 0, document, tags, ...o });
const t = (plain: number) => ({ plain });

/** Scripts that found something once, each under the name of what has to hold. */
export const regressions: Readonly<Record<string, Script>> = {
  "undone, a child that was kept and has a tag is no root besides": {
    documents: [image(), index([0])],
    operations: [
      push(0, [t(1)]),
      push(1, [t(0)]),
      { do: "deleteAndUndo", repository: 0, targets: [{ tag: 0 }], children: "keep", minutes: 0, blob: 0 },
    ],
  },
  "bytes that are pushed to a second repository are stored once": {
    documents: [image(), image()],
    operations: [push(0, [], { repository: 1 }), push(0)],
  },
  "what a session claims, and is no manifest here, is not found to be deleted": {
    documents: [image(), index([0])],
    operations: [push(1, [], { session: true }), { do: "delete", repository: 0, targets: [{ document: 1 }] }],
  },
  "an image that stays keeps its referrers": {
    documents: [image(), image(0)],
    operations: [
      push(0, [t(0), t(1)]),
      push(1),
      { do: "delete", repository: 0, targets: [{ tag: 0 }], referrers: true },
    ],
  },
  "grace is a repository's own, though another keeps the bytes": {
    documents: [image()],
    operations: [
      push(0, [t(0)]),
      push(0, [], { repository: 1 }),
      { do: "wait", minutes: 70 },
      { do: "untag", repository: 0, tag: 0 },
      { do: "collect" },
    ],
  },
  "a plan of a collection that is applied twice removes nothing the second time": {
    documents: [image()],
    operations: [
      push(0, [t(0)]),
      { do: "untag", repository: 0, tag: 0 },
      { do: "planCollect", minutes: 0 },
      { do: "collect", minutes: 0 },
      { do: "apply", plan: 0 },
    ],
  },
  "a tag that came after a plan is not taken by it": {
    documents: [image()],
    operations: [
      push(0),
      { do: "planDelete", repository: 0, targets: [{ document: 0 }] },
      { do: "tag", repository: 0, document: 0, tag: t(0) },
      { do: "apply", plan: 0 },
    ],
  },
  "what only a referrer by its tag kept goes with that": {
    documents: [image(), image()],
    operations: [
      push(0, [t(1)]),
      push(1, [{ after: 0, form: ".sig" }, t(1)]),
      { do: "delete", repository: 0, targets: [{ document: 1 }] },
    ],
  },
  "the holders of the second target are named, though the first has proven it live": {
    documents: [image(), image(0)],
    operations: [
      push(0, [t(0), t(1)]),
      push(1),
      { do: "delete", repository: 0, targets: [{ tag: 0 }, { document: 0 }] },
      push(1, [], { session: true }),
      { do: "delete", repository: 0, targets: [{ tag: 0 }, { document: 1 }] },
    ],
  },
  "a manifest that lost a layer to a removal becomes live in no way": {
    documents: [image(), image(-1), index([0]), image(undefined, [1])],
    operations: [
      push(0, [t(0)]),
      push(1, [t(0)]),
      { do: "delete", repository: 0, targets: [{ tag: 0 }] },
      push(2, [t(1)]),
      { do: "tag", repository: 0, document: 0, tag: t(2) },
      { do: "claim", repository: 0, from: 0, content: [5] },
      { do: "pin", repository: 0, content: 5, name: 0 },
      push(3),
      { do: "tag", repository: 0, document: 0, tag: t(2) },
    ],
  },
  "an index that is sparse in one repository is not so in another": {
    documents: [image(), index([0])],
    operations: [
      push(0, [], { repository: 1 }),
      push(1, [], { sparse: true, session: true }),
      push(1, [], { repository: 1 }),
      { do: "tag", repository: 0, document: 1, tag: t(0) },
    ],
  },
  "a drop waits for the grace as an item does": {
    documents: [image()],
    operations: [
      push(0, [t(0)], { repository: 1 }),
      { do: "untag", repository: 1, tag: 0 },
      { do: "wait", minutes: 70 },
      { do: "planCollect" },
      push(0, [], { session: true }),
      { do: "apply", plan: 0 },
    ],
  },
  "what refers to a blob, or to nothing that is stored, does not come back as a root": {
    documents: [index([], -1), image(0)],
    operations: [push(0, [t(0)]), push(1, [t(0)]), { do: "untag", repository: 0, tag: 0 }],
  },
  "an index that failed to be pushed cannot be tagged because something refers to it": {
    documents: [image(), index([0]), image(1)],
    operations: [push(2), push(1, [], { session: true }), { do: "tag", repository: 0, document: 1, tag: t(0) }],
  },
  "an index that is deleted by name does not come back with the child that it refers to": {
    documents: [image(), index([0], 0)],
    operations: [
      push(0),
      push(1, [t(0)]),
      { do: "delete", repository: 0, targets: [{ tag: 0 }, { document: 1 }], children: "keep" },
    ],
  },
  "a pin that moves takes the referrers that only it explained": {
    documents: [image(), image(0)],
    operations: [
      push(0, [t(0)]),
      push(1),
      { do: "pin", repository: 0, content: 5, name: 0 },
      { do: "untag", repository: 0, tag: 0 },
      { do: "pin", repository: 0, content: 0, name: 0 },
    ],
  },
  "a plan without grace takes what came back as garbage after it": {
    documents: [image(), index([0])],
    operations: [
      push(1),
      { do: "collect", minutes: 0 },
      { do: "wait", minutes: 10 },
      push(1),
      { do: "apply", plan: 0 },
    ],
  },
};
