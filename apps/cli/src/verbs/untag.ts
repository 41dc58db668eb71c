import { OciStoreError } from "@ocistore/core";
import type { Command } from "commander";
import { explained } from "../context.ts";
import { usage } from "../errors.ts";
import { formatPlace } from "../place.ts";
import type { Action } from "../run.ts";

export function addUntag(program: Command, action: Action): void {
  program
    .command("untag")
    .description("take a tag away and nothing else: what only it held is garbage from then on, and gc frees it")
    .argument("<reference>", "oci:DIR:TAG")
    .action(
      action(async (context, text: string) => {
        const place = context.reference(text);
        if (!("tag" in place.target)) throw usage("untag takes a tag, not a digest", "`ocistore rm` takes digests");
        const { tag } = place.target;
        await context.with(place, { write: true }, async (store) => {
          const { signal, out } = context;
          const digest = await store.parts.catalog.resolve("", tag, { signal });
          if (digest === undefined)
            throw explained(
              new OciStoreError("NOT_FOUND", `no tag ${tag} in ${place.written}`, { reference: tag }),
              place,
            );
          context.isChanging = true;
          await store.repository().untag(tag, { signal, expect: digest });
          out.result({ untagged: tag, digest }, `untagged ${tag}  ${digest}`);
          const gc = `ocistore gc ${formatPlace({ ...place, target: undefined })}`;
          out.note({ next: gc }, `nothing is freed yet: \`${gc}\` frees what only it held`);
        });
      }),
    );
}
