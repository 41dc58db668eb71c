import type { Command } from "commander";
import { Content } from "../content.ts";
import { type Context, digestAt } from "../context.ts";
import { dim, type Segment, soft, styled } from "../output/line.ts";
import { size } from "../output/words.ts";
import type { Place } from "../place.ts";
import type { Action } from "../run.ts";
import { type TreeNode, walkTree } from "../tree-walk.ts";

export function addTree(program: Command, action: Action): void {
  program
    .command("tree")
    .description("an image as a tree: platforms, config, layers, and what refers to it")
    .argument("[reference]", "oci:DIR:TAG, oci:DIR@DIGEST, or oci:DIR for every root")
    .action(
      action(async (context, text: string | undefined) => {
        const place = context.placeOrReference(text);
        await context.with(place, { write: false }, async (store) => {
          const { target } = place;
          const digest = target && (await digestAt(store, { ...place, target }, context.signal));
          const content = await Content.load(store, context.signal, { edges: false });
          const starts = digest ? [digest] : await rootsOf(content);
          if (starts.length === 0) context.out.note({}, "nothing is stored here");
          const title = digest && target && "tag" in target ? target.tag : undefined;
          for await (const node of walkTree(content, starts)) {
            context.signal.throwIfAborted();
            print(context, content, place, node, title);
            await context.out.flow();
          }
        });
      }),
    );
}

async function rootsOf(content: Content) {
  const digests = new Set(content.tags.values());
  for await (const { digest } of content.graph.allRoots()) digests.add(digest);
  return [...digests];
}

function print(
  { out }: Context,
  content: Content,
  { scheme, written }: Place,
  node: TreeNode,
  title: string | undefined,
): void {
  const { prefix, ...rest } = node;
  out.object(rest);
  if (out.json) return;
  const { role, digest, depth, kind, platform, isRepeated, isStored, size: bytes } = node;
  // Below a manifest its role says that it is a blob.
  const bare = depth === 0 && isStored ? "blob" : undefined;
  const what = kind === "artifact" && node.artifactType ? node.artifactType : (kind ?? bare);
  const tags = content.tagsOf(digest);
  const name = title ?? tags[0];
  const words: Segment[] = [];
  if (depth === 0) {
    words.push(soft(name === undefined ? `${scheme}:${written}` : `${scheme}:${written}:${name}`, "bold"), "  ");
  } else {
    words.push(dim(prefix), role === "referrer" ? styled("yellow", role) : soft(platform ?? role, "cyan"), "  ");
  }
  words.push(out.digest(digest));
  if (what) words.push("  ", soft(what));
  if (bytes !== undefined) words.push(`  ${size(bytes)}`);
  if (node.title) words.push("  ", soft(node.title));
  // At the top, one of the names is at the beginning of the line.
  const others = depth === 0 ? tags.filter((tag) => tag !== name) : tags;
  if (others.length > 0)
    words.push("  ", depth === 0 ? soft(`also ${others.join(", ")}`, "dim") : soft(others.join(", "), "bold"));
  if (!isStored) words.push(styled("red", "  not stored"));
  if (isRepeated) words.push(dim("  as above"));
  out.row(...words);
}
