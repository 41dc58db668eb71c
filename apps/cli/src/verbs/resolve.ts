import type { Command } from "commander";
import { digestAt, explained } from "../context.ts";
import type { Action } from "../run.ts";

export function addResolve(program: Command, action: Action): void {
  program
    .command("resolve")
    .description("the digest of a manifest, and nothing else")
    .argument("<reference>", "oci:DIR:TAG or oci:DIR@DIGEST; the start of a digest will do")
    .action(
      action(async (context, text: string) => {
        const { out, signal } = context;
        const place = context.reference(text);
        await context.with(place, { write: false }, async (store) => {
          const at = await digestAt(store, place, signal);
          const found = await store
            .repository()
            .resolve(at, { signal })
            .catch((error: unknown) => {
              throw explained(error, place);
            });
          const { digest, mediaType, size, artifactType } = found;
          out.result({ digest, mediaType, size, artifactType }, digest);
        });
      }),
    );
}
