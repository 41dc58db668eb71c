import { type Command, Option } from "commander";
import { Content } from "../content.ts";
import { type Context, digestAt } from "../context.ts";
import { edgesOf, type GraphEdge, type GraphTag, reachable } from "../graph-walk.ts";
import { graphFormats } from "../output/graph-format.ts";
import type { Action } from "../run.ts";

type Format = keyof typeof graphFormats | "json";

export function addGraph(program: Command, action: Action): void {
  program
    .command("graph")
    .description("who names whom, as a picture: for mermaid, for Graphviz, or as lines of JSON")
    .argument("[place]", "oci:DIR for all of it; oci:DIR:TAG or oci:DIR@DIGEST for what that leads to")
    .addOption(
      new Option("--format <format>", "how to write it").choices(["mermaid", "dot", "json"]).default("mermaid"),
    )
    .action(
      action(async (context, text: string | undefined, o: { format: Format }) => {
        const place = context.placeOrReference(text);
        await context.with(place, { write: false }, async (store) => {
          const { target } = place;
          const start = target && (await digestAt(store, { ...place, target }, context.signal));
          const content = await Content.load(store, context.signal);
          const digests = await reachable(content, start);
          const edges = await edgesOf(content, digests);
          const tags = [...content.tags].flatMap(([tag, to]): GraphTag[] => (digests.has(to) ? [{ tag, to }] : []));
          await print(context, content, { digests: [...digests], edges, tags }, o.format);
        });
      }),
    );
}

export interface Picture {
  readonly digests: readonly string[];
  readonly edges: readonly GraphEdge[];
  readonly tags: readonly GraphTag[];
}

async function print({ out }: Context, content: Content, picture: Picture, format: Format): Promise<void> {
  if (format === "json" || out.json) {
    // Asked for as a format it is JSON whatever --json says.
    const write = (value: object) => (out.json ? out.object(value) : out.text(JSON.stringify(value)));
    for (const digest of picture.digests) {
      const kind = content.kindOf(digest as never);
      write({ node: digest, kind: kind === "missing" ? "blob" : kind });
      await out.flow();
    }
    for (const tag of picture.tags) write(tag);
    for (const edge of picture.edges) {
      write(edge);
      await out.flow();
    }
    return;
  }
  const label = (digest: string) => {
    const kind = content.kindOf(digest as never);
    const artifactType = content.records.get(digest as never)?.artifactType;
    const what = kind === "missing" ? "blob" : kind === "artifact" ? (artifactType ?? kind) : kind;
    return [what, out.digest(digest)];
  };
  for (const line of graphFormats[format](picture, label)) {
    out.text(line);
    await out.flow();
  }
}
