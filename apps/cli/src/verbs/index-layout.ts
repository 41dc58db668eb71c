import { hasCatalogBeside } from "@ocistore/backend-fs";
import type { Command } from "commander";
import { onlyRead } from "../archive-errors.ts";
import { addCatalog, sayLost } from "../catalog.ts";
import { count } from "../output/words.ts";
import type { Action } from "../run.ts";

export function addIndexLayout(program: Command, action: Action): void {
  program
    .command("index")
    .description("give a store a catalog in SQLite, or make the one that it has anew: nothing costs more as it grows")
    .argument("[place]", "oci:DIR")
    .action(
      action(async (context, text: string | undefined) => {
        const place = context.place(text);
        if (place.scheme === "oci-archive") throw onlyRead(place);
        const { out, signal, clock } = context;
        const isThere = await hasCatalogBeside(place.directory);
        // Opens it as it is first, with all that may be said about that; a catalog may be what does not open.
        if (!isThere) await context.with(place, { write: false }, async () => {});
        const onProgress = ({ blobs, manifests }: { blobs: number; manifests: number }) =>
          out.progress(() => `${count(blobs, "blob")}, ${count(manifests, "manifest")}`);
        const done = await addCatalog(place.directory, { env: clock, signal, onProgress });
        out.endProgress();
        const words = `${count(done.blobs, "blob")}, ${count(done.manifests, "manifest")}, ${count(done.tags, "tag")}`;
        const anew = done.lost ? "  made anew" : "";
        out.result({ indexed: place.directory, ...done }, `oci:${place.written}  ${words}${anew}`);
        sayLost(out, done);
      }),
    );
}
