import { parseRefName } from "@ocistore/core";
import type { Command } from "commander";
import { explained } from "../context.ts";
import { usage } from "../errors.ts";
import { exact } from "../place.ts";
import type { Action } from "../run.ts";

export function addTag(program: Command, action: Action): void {
  program
    .command("tag")
    .description("put more tags on what is stored; a tag that is elsewhere moves")
    .argument("<source>", "oci:DIR:TAG or oci:DIR@DIGEST")
    .argument("<new...>", "names of tags, in the same store")
    .action(
      action(async (context, text: string, names: string[]) => {
        const place = context.reference(text);
        const source = exact(place.target);
        for (const name of names) {
          if (/^(oci:|ocidir:\/\/)/.test(name))
            throw usage(`${name}: only the name of a tag is wanted`, "it is in the same store");
          parseRefName(name);
        }
        await context.with(place, { write: true }, async (store) => {
          const { signal, out } = context;
          const repository = store.repository();
          const before = new Map<string, string | undefined>(names.map((name) => [name, undefined]));
          for await (const { name, digest } of repository.tags({ signal })) {
            if (before.has(name)) before.set(name, digest);
          }
          context.isChanging = true;
          const { digest } = await repository.tag(source, names, { signal }).catch((error: unknown) => {
            throw explained(error, place);
          });
          for (const [name, was] of before) {
            if (was !== undefined && was !== digest) out.note({ moved: name, was }, `${name} was on ${was}`);
            out.result({ tagged: name, digest, ...(was !== undefined && { was }) }, `${name} -> ${digest}`);
          }
        });
      }),
    );
}
