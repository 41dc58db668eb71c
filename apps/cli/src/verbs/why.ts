import { type Digest, describeRoot, type Link, type Reason, type Root, type Store } from "@ocistore/core";
import type { Command } from "commander";
import { Content } from "../content.ts";
import { type Context, digestAt } from "../context.ts";
import { formatDuration } from "../duration.ts";
import { notFound } from "../errors.ts";
import { bold, dim, type Segment, soft } from "../output/line.ts";
import { size } from "../output/words.ts";
import type { Place, Target } from "../place.ts";
import type { Action } from "../run.ts";

export function addWhy(program: Command, action: Action): void {
  program
    .command("why")
    .description("why is it kept: the shortest way from a root down to it")
    .argument("<digest>", "oci:DIR@DIGEST, oci:DIR:TAG, or with --store the digest alone; its start will do")
    .option("--all", "every root that keeps it, nearest first")
    .action(
      action(async (context, text: string, o: { all?: boolean }) => {
        // A digest is the only thing one asks about here, so its algorithm need not be said.
        const place = context.reference(/^[0-9a-f]{8,64}$/.test(text) ? `sha256:${text}` : text);
        await context.with(place, { write: false }, (store) => explain(context, store, place, o));
      }),
    );
}

async function explain(
  context: Context,
  store: Store,
  place: Place & { target: Target },
  o: { all?: boolean },
): Promise<void> {
  const { out, signal } = context;
  const digest = await digestAt(store, place, signal);
  const located = await store.parts.catalog.locate(undefined, digest, { signal });
  const content = await Content.load(store, signal, { edges: false });
  let reasons = 0;
  for await (const reason of store.why(digest, { signal })) {
    reasons += 1;
    if (reasons === 1)
      out.text(bold(digest), `  ${whatIs(content, digest)}${located ? `  ${size(located.size)}` : ""}  is kept by`);
    if (reasons > 1 && !o.all) {
      out.note({}, "and by others: --all lists every root that keeps it");
      break;
    }
    print(context, content, digest, reason);
    await out.flow();
  }
  if (reasons === 0) await unexplained(context, store, place, digest, located !== undefined);
  else if (!located)
    out.note({ warning: "it is not stored", digest }, "warning: it is not stored; `ocistore fsck` says more");
}

function print({ out }: Context, content: Content, digest: Digest, { root, chain }: Reason): void {
  const links = merged(chain);
  out.object({ digest, kept: true, root: rootJson(root), chain: links.map(linkJson) });
  out.row("  ", soft(describeRoot(root), "green"));
  links.forEach(({ node }, at) => {
    const how = at === 0 ? undefined : (HOW[links[at - 1]!.keeps ?? "content"] ?? "");
    const words: Segment[] = [
      `  ${"   ".repeat(at)}└─ `,
      out.digest(node.digest),
      "  ",
      soft(whatIs(content, node.digest)),
    ];
    out.row(...words, how ? dim(`  ${how}`) : "");
  });
}

/** What the held is to its holder. */
const HOW = { content: "named by it", subject: "refers to it", referrer: "its subject" } as const;

/** A manifest and its bytes are two nodes and one digest. */
function merged(chain: readonly Link[]): Link[] {
  return chain.filter((link, at) => chain[at + 1]?.node.digest !== link.node.digest);
}

function linkJson({ node, keeps }: Link): object {
  return { digest: node.digest, ...(keeps && { keeps }) };
}

function rootJson({ why, name, digest }: Root): object {
  return { why, ...(name !== undefined && { name }), digest };
}

function whatIs(content: Content, digest: Digest): string {
  const kind = content.kindOf(digest);
  if (kind === "missing") return "blob";
  const artifactType = content.records.get(digest)?.artifactType;
  return kind === "artifact" && artifactType ? `${kind} ${artifactType}` : kind;
}

async function unexplained(
  context: Context,
  store: Store,
  place: Place,
  digest: Digest,
  isStored: boolean,
): Promise<void> {
  const { out, signal, clock } = context;
  if (isStored) {
    const hint = `\`ocistore gc oci:${place.written}\` frees it once it is past the grace`;
    out.result({ digest, kept: false }, bold(digest), "  is garbage: nothing keeps it");
    // Of an archive nothing is ever freed.
    if (place.scheme === "oci") out.note({}, hint);
    return;
  }
  for await (const { digest: condemned, until } of store.condemned({ signal })) {
    if (condemned !== digest) continue;
    const left = formatDuration(Math.max(0, Math.ceil((until - clock.now()) / 1000) * 1000));
    const time = new Date(until).toISOString();
    out.result(
      { digest, kept: false, condemnedUntil: time },
      bold(digest),
      `  is condemned: the first gc after ${left} erases it`,
    );
    return;
  }
  throw notFound(`${digest} is not stored in ${place.written}`, "nothing there names it either");
}
