import type { Command } from "commander";
import { soft } from "../output/line.ts";
import { size } from "../output/words.ts";
import { subjectAt } from "../referrers-of.ts";
import type { Action } from "../run.ts";

export function addReferrers(program: Command, action: Action): void {
  program
    .command("referrers")
    .description("what refers to it, one a line; what refers to that is left to discover")
    .argument("<reference>", "oci:DIR:TAG or oci:DIR@DIGEST; the start of a digest will do")
    .option("--artifact-type <type>", "only those of this type")
    .action(
      action(async (context, text: string, { artifactType }: { artifactType?: string }) => {
        const { out, signal } = context;
        const place = context.reference(text);
        await context.with(place, { write: false }, async (store) => {
          const { digest } = await subjectAt(store, place, context);
          let found = 0;
          for await (const each of store.repository().referrers(digest, { signal, artifactType })) {
            signal.throwIfAborted();
            found += 1;
            out.object({ ...each });
            out.row(out.digest(each.digest), "  ", soft(each.artifactType ?? each.mediaType), `  ${size(each.size)}`);
            await out.flow();
          }
          if (found === 0) out.note({}, `nothing${artifactType === undefined ? "" : " of this type"} refers to it`);
        });
      }),
    );
}
