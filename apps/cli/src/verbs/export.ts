import { dirname, join, resolve } from "node:path";
import { type ArchiveSummary, type ExportOptions, exportArchive, writeArchive } from "@ocistore/backend-fs";
import type { Store } from "@ocistore/core";
import type { Command } from "commander";
import { type Context, digestAt } from "../context.ts";
import { notFound, usage } from "../errors.ts";
import { isThere } from "../files.ts";
import { dim } from "../output/line.ts";
import { bar, count, size } from "../output/words.ts";
import type { Place, Target } from "../place.ts";
import type { Action } from "../run.ts";

interface Options {
  readonly output: string;
  readonly referrers?: boolean;
  readonly sparse?: boolean;
}

export function addExport(program: Command, action: Action): void {
  program
    .command("export")
    .alias("save")
    .description("a tar archive of a store, or of some images in it; the same content makes the same bytes")
    .argument("<place or reference...>", "oci:DIR for everything, oci:DIR:TAG, oci:DIR@DIGEST")
    .requiredOption("-o, --output <file>", "the archive; - is stdout")
    .option("-r, --referrers", "with references: what refers to them, too")
    .option("--sparse", "what is missing in the store may be missing in the archive")
    .action(
      action(async (context, words: string[], o: Options) => {
        const places = inOneStore(words.map((text) => context.placeOrReference(text)));
        if (o.output === "-" && context.io.stdout.isTTY)
          throw usage("an archive is not for a terminal", "-o FILE, or pipe it");
        const [place] = places;
        const isOurs = place!.scheme === "oci" && (await isThere(join(place!.directory, ".ocistore")));
        await context.with({ ...place!, target: undefined }, { write: isOurs }, async (store) => {
          const { signal } = context;
          const references = await referencesIn(store, places, context);
          const { referrers, sparse } = o;
          // A layout that no ocistore has ever changed is left as it is.
          const hold = isOurs ? undefined : false;
          await write(context, store, o.output, { signal, references, referrers, sparse, hold });
        });
      }),
    );
}

/** One archive is of one store; a whole store has everything in it already. */
function inOneStore(places: readonly Place[]): readonly Place[] {
  const [first] = places;
  const other = places.find(({ scheme, directory }) => directory !== first!.directory || scheme !== first!.scheme);
  if (other) throw usage(`${first!.written} and ${other.written} are two stores`, "one archive is of one store");
  if (places.length > 1 && places.some(({ target }) => !target))
    throw usage(`${first!.written} as a whole, and something in it`, "give one or the other");
  return places;
}

async function referencesIn(
  store: Store,
  places: readonly Place[],
  { signal }: Context,
): Promise<readonly string[] | undefined> {
  const references: string[] = [];
  for (const place of places) {
    const { target } = place;
    if (!target) return undefined;
    // Looked up in any case, for the words that a slip of the pen deserves.
    const digest = await digestAt(store, place as Place & { target: Target }, signal);
    references.push("tag" in target ? target.tag : digest);
  }
  return references;
}

async function write(context: Context, store: Store, output: string, o: ExportOptions): Promise<void> {
  const { out, io } = context;
  const onBytes = (done: number, total: number) =>
    out.progress(() => `${bar(done, total)} ${size(done)} of ${size(total)}`);
  if (output !== "-") {
    const file = resolve(io.cwd, output);
    if (!(await isThere(dirname(file)))) throw notFound(`no such directory: ${dirname(output)}`, "make it first");
    const summary = await writeArchive(store, file, { ...o, onBytes });
    out.endProgress();
    out.result(asJson(file, summary), output, ...inWords(summary));
    return;
  }
  await exportArchive(store, o, async ({ bytes, ...summary }) => {
    let done = 0;
    for await (const piece of bytes(o)) {
      out.raw(piece);
      await out.flow();
      done += piece.length;
      onBytes(done, summary.size);
    }
    out.endProgress();
    out.note(asJson("-", summary), "stdout", ...inWords(summary));
  });
}

function asJson(exported: string, { size: bytes, tags, manifests, blobs }: ArchiveSummary) {
  return { exported, size: bytes, tags, manifests, blobs };
}

function inWords({ size: bytes, tags, manifests, blobs }: ArchiveSummary) {
  const names = tags.length > 0 ? `  ${tags.join(", ")}` : "";
  return [`  ${size(bytes)}`, dim(`  ${count(manifests, "manifest")}, ${count(blobs, "blob")}`), names] as const;
}
