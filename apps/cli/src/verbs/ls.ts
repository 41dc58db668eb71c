import type { Digest, Store } from "@ocistore/core";
import type { Command } from "commander";
import { Content } from "../content.ts";
import type { Context } from "../context.ts";
import { formatAge } from "../duration.ts";
import { bold, dim, type Segment } from "../output/line.ts";
import { size } from "../output/words.ts";
import type { Action } from "../run.ts";

export function addLs(program: Command, action: Action): void {
  program
    .command("ls")
    .description("what there is: every tag, and what stays without one")
    .argument("[place]", "oci:DIR")
    .option("-a, --all", "every manifest, those that only others keep too")
    .action(
      action(async (context, text: string | undefined, o: { all?: boolean }) => {
        await context.with(context.place(text), { write: false }, (store) => list(context, store, o));
      }),
    );
}

const COLUMNS = [
  { title: "REF", isSoft: true },
  { title: "DIGEST" },
  { title: "KIND" },
  { title: "SIZE", align: "right" },
  { title: "AGE", align: "right" },
  { title: "PLATFORMS OR TYPE", isSoft: true },
] as const;

async function list(context: Context, store: Store, o: { all?: boolean }): Promise<void> {
  const { out, signal, clock } = context;
  const content = await Content.load(store, signal);
  const now = clock.now();
  const rows: Segment[][] = [];
  for (const [ref, digest] of await listed(content, o.all ?? false)) {
    signal.throwIfAborted();
    const record = content.records.get(digest);
    const kind = content.kindOf(digest);
    const bytes = content.sizeOf(digest);
    const platforms = await content.platformsOf(digest);
    const artifactType = record?.artifactType;
    const pushed = record && new Date(record.pushed).toISOString();
    out.object({
      ref: ref ?? null,
      digest,
      kind,
      size: bytes,
      platforms,
      ...(artifactType && { artifactType }),
      ...(pushed && { pushed }),
    });
    await out.flow();
    if (out.json) continue;
    const about = platforms.join(", ") || (kind === "artifact" ? (artifactType ?? "") : "");
    const age = record ? formatAge(Math.max(0, now - record.pushed)) : "";
    rows.push([ref === undefined ? dim("<untagged>") : bold(ref), out.digest(digest), kind, size(bytes), age, about]);
  }
  out.table(COLUMNS, rows);
  if (!out.json && rows.length === 0) out.note({}, "nothing is stored here");
  for (const [digest, message] of content.unreadable)
    out.note({ warning: message, digest }, `warning: ${digest} cannot be read: ${message}`);
}

async function listed(content: Content, all: boolean): Promise<[string | undefined, Digest][]> {
  const tagged: [string | undefined, Digest][] = [...content.tags];
  const untagged = new Set<Digest>();
  for await (const { why, digest } of content.graph.allRoots()) if (why === "own") untagged.add(digest);
  if (all) for (const digest of [...content.records.keys(), ...content.unreadable.keys()]) untagged.add(digest);
  for (const digest of content.tags.values()) untagged.delete(digest);
  return [...tagged, ...[...untagged].sort().map((digest): [undefined, Digest] => [undefined, digest])];
}
