import type { Command } from "commander";
import { Content } from "../content.ts";
import { bold, dim } from "../output/line.ts";
import { size } from "../output/words.ts";
import type { Action } from "../run.ts";

export function addRoots(program: Command, action: Action): void {
  program
    .command("roots")
    .description("what is kept for its own sake: tags, pins, claims of open sessions, what has never been named")
    .argument("[place]", "oci:DIR")
    .action(
      action(async (context, text: string | undefined) => {
        await context.with(context.place(text), { write: false }, async (store) => {
          const { out, signal } = context;
          const content = await Content.load(store, signal);
          let roots = 0;
          for await (const { why, name, digest } of content.graph.allRoots({ signal })) {
            roots += 1;
            const isBlob = content.kindOf(digest) === "missing";
            const kind = isBlob ? "blob" : content.kindOf(digest);
            const located = isBlob ? await content.graph.locate(undefined, digest, { signal }) : undefined;
            const bytes = located?.size ?? content.sizeOf(digest);
            const words = why === "own" ? "untagged" : `${why} `;
            out.result(
              { root: why, ...(name !== undefined && { name }), digest, kind, size: bytes },
              dim(words),
              bold(name ?? ""),
              ` -> ${digest}  `,
              dim(`${kind}  ${size(bytes)}`),
            );
            await out.flow();
          }
          if (roots === 0 && !out.json) out.note({}, "there are none: a gc would free everything");
        });
      }),
    );
}
