import type { Mutant } from "../mutant.ts";

const CLAIMS = "packages/core/src/catalog/commands/claims.ts";
const CONTEXT = "packages/core/src/catalog/commands/context.ts";
const SESSION = "packages/core/src/store/session.ts";
const CATALOG = "packages/core/src/catalog/cell-catalog.ts";
const GRACE = "packages/backend-fs/test/protocol/grace.test.ts";
const LEASE_TEST = "packages/core/test/gc/lease.test.ts";

/** What somebody was told is stored stays until they have used it; and how long things last. */
export const CLAIM: readonly Mutant[] = [
  {
    id: "claim-does-not-hold",
    protects: "R1, R3: what a session was told is there is held until it ends",
    file: CLAIMS,
    text: "hold(ctx, owner, repository, [digest], until);\n    draft.touch",
    instead: "draft.touch",
    killedBy: [GRACE, "a collection with grace 0 between the answer and the push"],
  },
  {
    id: "add-does-not-hold",
    protects: "what a session has stored is held from the first moment it can be read",
    file: CLAIMS,
    text: "draft.touch(digest, now);\n    hold(ctx, owner, repository, [digest], until);",
    instead: "draft.touch(digest, now);",
    killedBy: [
      "packages/backend-suite/test/memory.test.ts",
      "claims: what was added is held until its owner releases it",
    ],
    writtenAs: ["packages/backend-suite/src/rules/claims.ts", "what was added is held until its owner releases it"],
  },
  {
    id: "claim-of-the-broken",
    protects: "who asks for a manifest that is not whole is not told that it is there",
    file: CLAIMS,
    text: "if (!found || (await isBroken(ctx, repository, digest))) continue;",
    instead: "if (!found) continue;",
    killedBy: ["packages/core/test/gc/broken.test.ts", "who asks for it is not told that it is there"],
  },
  {
    id: "claim-does-not-revive",
    protects: "a claim brings back what is condemned",
    file: CLAIMS,
    text: "draft.condemned.has(digest) && mayBringBack(ctx, repository, digest) && (await revive(ctx, digest, repository))",
    instead: "false",
    killedBy: [GRACE, "the answer comes between the sweep and the erasure: brought back"],
  },
  {
    id: "revived-from-purging",
    protects: "what is being erased is not brought back",
    file: "packages/core/src/catalog/commands/revive.ts",
    text: "if (row.purging) return undefined;",
    instead: "",
    killedBy: [
      "packages/backend-suite/test/memory.test.ts",
      "purging: what a purge has erased before it died does not come back",
    ],
    writtenAs: [
      "packages/backend-suite/src/rules/purging.ts",
      "what a purge has erased before it died does not come back",
    ],
  },
  {
    id: "revived-alone",
    protects: "a manifest comes back with all that it names",
    file: "packages/core/src/catalog/commands/revive.ts",
    text: `if (kind !== "subject") queue.push(to);`,
    instead: "void [to, kind];",
    killedBy: [
      "packages/backend-fs/test/protocol/undo.test.ts",
      "W8 a manifest that is claimed brings back all that it names",
    ],
  },
  {
    id: "grace-before-the-end",
    protects: "the grace of what a session held starts when the session ends",
    file: CLAIMS,
    text: "for (const digest of digests) draft.touch(digest, now);",
    instead: "void digests;",
    killedBy: [GRACE, "the grace of what a session held, or has brought back, starts when the session ends"],
  },
  {
    id: "no-grace-after-untag",
    protects: "the grace of what lost its last tag counts from then",
    file: CONTEXT,
    text: `draft.touch(digest, now);
  if (facts.membership === "listed") draft.lost.set(digest, now);`,
    instead: "void [digest, now, facts];",
    killedBy: ["packages/backend-fs/test/layout/mending.test.ts", "the grace of what was untagged counts"],
  },
  {
    id: "grace-alone",
    protects: "grace flows down: what a young manifest names is left alone",
    file: "packages/core/src/catalog/commands/grace.ts",
    text: "return graph.liveWith(young);",
    instead:
      "const all = new Set(young.map(({ digest }) => digest)); return (node) => graph.isLive(node) || all.has(node.digest);",
    killedBy: [
      "packages/backend-suite/test/memory.test.ts",
      "condemning: old content under a young manifest is as young",
    ],
    writtenAs: ["packages/backend-suite/src/rules/condemning.ts", "old content under a young manifest is as young"],
  },
  {
    id: "claim-not-renewed",
    protects: "R5: a long upload renews the claims of what was put before it",
    file: SESSION,
    text: "await catalog.release(this.owner, { ...this.#with(o), until: this.#until() });",
    instead: "void [catalog, o];",
    killedBy: [
      "packages/core/test/store/session.test.ts",
      "a blob that takes long renews what the session holds besides",
    ],
  },
  {
    id: "run-out-claims-return",
    protects: "a claim that has run out does not come back with the next one",
    file: CONTEXT,
    text: "present && present.until > now ? present : undefined",
    instead: "present",
    killedBy: [
      "packages/backend-suite/test/memory.test.ts",
      "claims: a claim that has run out does not come back with the next one of its owner",
    ],
    writtenAs: [
      "packages/backend-suite/src/rules/claims.ts",
      "a claim that has run out does not come back with the next one of its owner",
    ],
  },
  {
    id: "lease-for-all",
    protects: "R22: one collector at a time",
    file: CATALOG,
    text: "if (o.renew === undefined && lease && lease.until > now) return undefined;",
    instead: "",
    killedBy: [LEASE_TEST, "while one collects, a second is refused"],
  },
  {
    id: "lease-renewed-by-others",
    protects: "R24: who was followed cannot renew its lease",
    file: CATALOG,
    text: "if (o.renew !== undefined && lease?.epoch !== o.renew) return undefined;",
    instead: "",
    killedBy: [
      "packages/backend-suite/test/memory.test.ts",
      "leases: who has it may stay, even late, unless another has followed",
    ],
    writtenAs: [
      "packages/backend-suite/src/rules/leasing.ts",
      "who has it may stay, even late, unless another has followed",
    ],
  },
  {
    id: "lease-not-renewed",
    protects: "a collector that works renews its lease before each lot",
    file: "packages/core/src/gc/apply.ts",
    text: "await renewLease(parts, o.epoch, o);",
    instead: "",
    killedBy: ["packages/core/test/gc/lease.test.ts", "a collector that works renews its lease"],
  },
  {
    id: "same-epoch-again",
    protects: "no later lease gets the epoch of an earlier one",
    file: CATALOG,
    text: "const epoch = o.renew ?? (lease?.epoch ?? 0) + 1;",
    instead: "const epoch = o.renew ?? 1;",
    killedBy: ["packages/core/test/gc/lease.test.ts", "no epoch comes twice"],
  },
  {
    id: "living-uploads-taken",
    protects: "R15: an upload that somebody may still be sending is not given up",
    file: "packages/core/src/gc/collect.ts",
    text: "Math.min(plan.header.before ?? living, living)",
    instead: "plan.header.before ?? parts.env.now()",
    killedBy: [
      "packages/backend-fs/test/protocol/uploads.test.ts",
      "an upload whose process died goes an hour after its last byte",
    ],
  },
  {
    id: "trash-without-record",
    protects: "files in the trash whose record is lost wait as long as any",
    file: "packages/backend-fs/src/sidecar/trash.ts",
    text: "until: record?.until ?? at + hold,",
    instead: "until: record?.until ?? at,",
    killedBy: ["packages/backend-fs/test/protocol/undo.test.ts", "waits as long as any, from when it was filled"],
  },
  {
    id: "claims-end-with-half-a-line",
    protects: "a line of a session's file that was cut off says nothing, and the next is whole",
    file: "packages/backend-fs/src/sidecar/sessions.ts",
    text: "size > 0 ?",
    instead: "size < 0 ?",
    killedBy: ["packages/backend-fs/test/protocol/sessions.test.ts", "a claim that cannot be written is no answer"],
  },
  {
    id: "export-not-renewed",
    protects: "the claims of a long export are renewed",
    file: "packages/backend-fs/src/archive/export-archive.ts",
    text: "await hold.renew();",
    instead: "",
    killedBy: ["packages/backend-fs/test/archive/export-archive.test.ts", "the claims of a long export are renewed"],
  },
  {
    id: "export-not-held",
    protects: "what is being exported is claimed",
    file: "packages/backend-fs/src/archive/export-archive.ts",
    text: "await hold.take(start);",
    instead: "",
    killedBy: ["packages/backend-fs/test/archive/export-archive.test.ts", "while it is being read it is held"],
  },
  {
    id: "export-renews-nothing",
    protects: "a renewal moves the end of the claims",
    file: "packages/backend-fs/src/archive/export-archive.ts",
    text: "await catalog.release(this.#owner, { signal: this.#o.signal, until: this.#renewed + CLAIM });",
    instead: "void catalog;",
    killedBy: ["packages/backend-fs/test/archive/export-archive.test.ts", "the claims of a long export are renewed"],
  },
  {
    id: "upload-renews-nothing",
    protects: "R5: each piece of an upload may be the one that renews",
    file: SESSION,
    text: "onPiece: () => this.#renew(o)",
    instead: "onPiece: async () => {}",
    killedBy: [
      "packages/core/test/store/session.test.ts",
      "a blob that takes long renews what the session holds besides",
    ],
  },
  {
    id: "claims-by-the-run-out",
    protects: "claims that have run out are not moved on",
    file: CLAIMS,
    text: "if (claim.until <= now) {",
    instead: "if (false) {",
    killedBy: [
      "packages/backend-suite/test/memory.test.ts",
      "claims: a claim that has run out does not come back with the next one of its owner",
    ],
    writtenAs: [
      "packages/backend-suite/src/rules/claims.ts",
      "a claim that has run out does not come back with the next one of its owner",
    ],
  },
];
