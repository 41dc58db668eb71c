import { importArchive, spooled } from "@ocistore/backend-fs";
import { type CopyEvent, isOciStoreError, openMemory, parseRefName, type Store } from "@ocistore/core";
import type { Command } from "commander";
import { onlyRead } from "../archive-errors.ts";
import { type Context, explained } from "../context.ts";
import { CopyProgress, copySummary } from "../copy-output.ts";
import { CliError, EXIT, usage } from "../errors.ts";
import { isThere } from "../files.ts";
import { bold, dim } from "../output/line.ts";
import { size } from "../output/words.ts";
import type { Place } from "../place.ts";
import type { Action } from "../run.ts";
import { piped } from "../stdin.ts";

interface Options {
  readonly tag: readonly string[];
  readonly clobber: boolean;
  readonly sparse?: boolean;
  readonly dryRun?: boolean;
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value];

export function addImport(program: Command, action: Action): void {
  program
    .command("import")
    .alias("load")
    .description("bring what is in a tar archive of a layout into a store; makes the store if need be")
    .argument("<file>", "the archive; - is stdin")
    .argument("[place]", "oci:DIR")
    .option("--tag <tag>", "only this tag of the archive, with what it keeps; may be repeated", collect, [])
    .option("--no-clobber", "fail rather than move a tag that is in the store already")
    .option("--sparse", "what the archive lacks may be missing in the store")
    .option("-n, --dry-run", "say what would be imported, and change nothing")
    .action(
      action(async (context, file: string, text: string | undefined, o: Options) => {
        const place = context.place(text);
        if (place.scheme === "oci-archive") throw onlyRead(place);
        const from = (archive: Place) =>
          context.with(archive, { write: false }, (source) => into(context, source, archive, place, o));
        if (file === "-") await fromStdin(context, (path) => from({ ...context.archive(path), written: "stdin" }));
        else await from(context.archive(file));
      }),
    );
}

function explainedImport(error: unknown, archive: Place): unknown {
  if (isOciStoreError(error, "CONFLICT")) {
    const o = { hint: "without --no-clobber the tag moves", data: { ...error.data }, cause: error };
    return new CliError("CONFLICT", EXIT.refused, error.message, o);
  }
  // What comes in by a pipe cannot be looked at by a name.
  return archive.written === "stdin" ? error : explained(error, archive);
}

/** An archive is read from place to place, which a pipe cannot be. */
async function fromStdin(context: Context, work: (file: string) => Promise<void>): Promise<void> {
  const { io, out, clock } = context;
  if (io.stdin.isTTY) throw usage("nobody types an archive", "ocistore import FILE oci:DIR, or pipe it");
  const onBytes = (done: number) => out.progress(() => `received ${size(done)}`);
  await spooled(piped(context), work, { env: clock, onBytes });
}

async function into(context: Context, archive: Store, file: Place, place: Place, o: Options): Promise<void> {
  const work = (store: Store) => bring(context, archive, file, store, o);
  if (!o.dryRun) {
    context.isChanging = true;
    await context.with(place, { write: true, create: true }, work);
  } else if (await isThere(place.directory)) await context.with(place, { write: false }, work);
  // Into a store that is not there yet, everything would come.
  else await work(await openMemory({ env: context.clock }));
}

async function bring(context: Context, archive: Store, file: Place, store: Store, o: Options): Promise<void> {
  const { out, signal } = context;
  const progress = new CopyProgress();
  const onProgress = (event: CopyEvent) => {
    progress.note(event);
    out.progress(() => progress.text());
  };
  const receipt = await importArchive(archive, store, {
    signal,
    onProgress,
    dryRun: o.dryRun,
    sparse: o.sparse,
    expect: o.clobber ? undefined : null,
    tags: o.tag.length > 0 ? o.tag.map(parseRefName) : undefined,
  }).catch((error: unknown) => {
    throw explainedImport(error, file);
  });
  out.endProgress();
  for (const { tag, descriptor } of receipt.roots) {
    const name = tag === undefined ? dim("<untagged>") : bold(tag);
    out.result({ imported: tag ?? null, digest: descriptor.digest }, name, `  ${out.digest(descriptor.digest)}`);
    await out.flow();
  }
  copySummary(context, receipt, o.dryRun ?? false);
}
