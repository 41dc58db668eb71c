import {
  type CopyEvent,
  type CopyingOptions,
  type CopyReceipt,
  copy,
  copyAll,
  type Descriptor,
  extendedCopy,
  isOciStoreError,
  openMemory,
  parsePlatformName,
  parseRefName,
  type Repository,
} from "@ocistore/core";
import { type Command, InvalidArgumentError } from "commander";
import { onlyRead } from "../archive-errors.ts";
import type { Context } from "../context.ts";
import { CopyProgress, copySummary } from "../copy-output.ts";
import { CliError, EXIT, notFound, usage } from "../errors.ts";
import { isThere } from "../files.ts";
import { exact, formatPlace, type Place } from "../place.ts";
import type { Action } from "../run.ts";

interface Options {
  readonly referrers?: boolean;
  readonly allTags?: boolean;
  readonly above?: boolean;
  readonly tag: readonly string[];
  readonly platform: readonly string[];
  readonly sparse?: boolean;
  readonly clobber: boolean;
  readonly dryRun?: boolean;
  readonly jobs?: number;
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value];

export function addCp(program: Command, action: Action): void {
  program
    .command("cp")
    .alias("copy")
    .description("copy an image, with all that it needs, into another store; makes the store if need be")
    .argument("<source>", "oci:DIR:TAG or oci:DIR@DIGEST; with --all-tags oci:DIR")
    .argument("<destination>", "oci:DIR for the same tag, or oci:DIR:TAG")
    .option("-r, --referrers", "also what refers to it, at any depth")
    .option("-a, --all-tags", "every tag, one after the other")
    .option("--above", "also every index that lists it and all that refers to it, up to the top, each whole")
    .option("--tag <tag>", "one more tag; may be repeated", collect, [])
    .option("--platform <os/arch>", "only for these, as linux/amd64; several with commas, or repeated", platforms, [])
    .option("--sparse", "with --platform: leave the index as it is; and what the source lacks of it is no failure")
    .option("--no-clobber", "fail rather than move a tag; with --all-tags leave alone those that are there")
    .option("-n, --dry-run", "say what would be copied, and change nothing")
    .option("-j, --jobs <n>", "so many at a time; 4 unless given", jobs)
    .action(
      action(async (context, from: string, to: string, o: Options) => {
        checkOptions(o);
        const source = o.allTags ? context.place(from) : context.reference(from);
        const destination = context.placeOrReference(to);
        const tags = tagsAt(source, destination, o);
        if (destination.scheme === "oci-archive") throw onlyRead(destination);
        await context.with(source, { write: false }, async (store) => {
          const repository = store.repository();
          // Before anything is made, so that a slip of the pen leaves no empty store.
          if (source.target) await explaining(source, () => repository.resolve(exact(source.target!), context));
          const job = { context, from: repository, source, destination, tags, o };
          await intoDestination(context, destination, o, (target) => run({ ...job, to: target }));
        });
      }),
    );
}

function platforms(value: string, before: readonly string[]): string[] {
  const list = value.split(",");
  try {
    for (const each of list) parsePlatformName(each);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
  return [...before, ...list];
}

function jobs(value: string): number {
  if (!/^[1-9]\d{0,3}$/.test(value)) throw new InvalidArgumentError("a whole number above 0 is wanted.");
  return Number(value);
}

function checkOptions({ allTags, above, platform, tag }: Options): void {
  const narrowed = platform.length > 0;
  if (allTags && above) throw usage("--all-tags and --above", "give one or the other");
  if (allTags && narrowed) throw usage("--all-tags takes every platform", "copy one tag after the other");
  if (above && narrowed) throw usage("--above takes whole indexes", "leave out --platform");
  if (allTags && tag.length > 0) throw usage("--all-tags keeps the names", "leave out --tag");
}

function tagsAt(source: Place, { target, written }: Place, o: Options): readonly string[] {
  if (o.allTags && target) throw usage(`--all-tags copies into a whole store`, `write oci:${written}`);
  if (target && !("tag" in target))
    throw usage("the destination has a tag, not a digest", "the digest is the source's");
  const same = source.target && "tag" in source.target ? [source.target.tag] : [];
  return [...new Set([...(target ? [exact(target)] : same), ...o.tag.map(parseRefName)])];
}

async function intoDestination(
  context: Context,
  place: Place,
  o: Options,
  work: (to: Repository) => Promise<void>,
): Promise<void> {
  const whole = { ...place, target: undefined };
  if (!o.dryRun) {
    context.isChanging = true;
    return context.with(whole, { write: true, create: true }, (store) => work(store.repository()));
  }
  if (await isThere(place.directory)) return context.with(whole, { write: false }, (store) => work(store.repository()));
  // Into a store that is not there yet, everything would go.
  return work((await openMemory({ env: context.clock })).repository());
}

interface Job {
  readonly context: Context;
  readonly from: Repository;
  readonly source: Place;
  readonly to: Repository;
  readonly destination: Place;
  readonly tags: readonly string[];
  readonly o: Options;
}

async function run(job: Job): Promise<void> {
  const { context, from, to, source, destination, tags, o } = job;
  const { out, signal } = context;
  const progress = new CopyProgress();
  const tagged: [string, Descriptor][] = [];
  const onProgress = (event: CopyEvent) => {
    progress.note(event);
    out.progress(() => progress.text());
    if (event.event === "tagged") tagged.push([event.tag, event.descriptor]);
    if (event.event === "kept") {
      const { digest } = event.descriptor;
      out.note({ kept: event.tag, digest }, `kept ${event.tag}, which is there already, on ${out.digest(digest)}`);
    }
  };
  const { referrers, sparse, jobs: concurrency } = o;
  const dryRun = o.dryRun ?? false;
  const expect = o.clobber ? undefined : null;
  const options = { signal, onProgress, referrers, concurrency, dryRun, expect } satisfies CopyingOptions;
  const receipt = await explaining(source, async (): Promise<Omit<CopyReceipt, "root"> & { root?: Descriptor }> => {
    if (o.allTags) return copyAll(from, to, { ...options, sparse });
    const reference = exact(source.target!);
    if (o.above) return extendedCopy(from, to, reference, { ...options, sparse, tags });
    return copy(from, to, reference, { ...options, sparse, tags, platforms: o.platform });
  });
  out.endProgress();
  if (receipt.root) report(job, receipt.root, receipt.tags);
  else for (const [tag, descriptor] of tagged) report(job, descriptor, [tag]);
  copySummary(context, receipt, dryRun);
  if (o.allTags && tagged.length === 0) out.note({}, `no tags in ${formatPlace(source)} to copy`);
  else if (!o.allTags && tags.length === 0) {
    out.note({}, `it has no tag in ${formatPlace({ ...destination, target: undefined })}: give oci:DIR:TAG for one`);
  }
}

function report({ context: { out }, destination, o }: Job, root: Descriptor, tags: readonly string[]): void {
  const { digest, size, mediaType, artifactType } = root;
  for (const tag of tags) out.note({ tagged: tag, digest }, `tagged ${tag}`);
  const place = formatPlace({ ...destination, target: { digest } });
  const value = { copied: digest, size, mediaType, ...(artifactType && { artifactType }), tags };
  out.result(value, o.allTags ? `${place}  ${tags.join(", ")}` : place);
}

/** What went wrong, and what to do about it. */
async function explaining<T>(source: Place, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isOciStoreError(error)) throw error;
    const { op = "resolve", side = "source", reference } = error.data;
    const store = formatPlace({ ...source, target: undefined });
    if (error.code === "NOT_FOUND" && side === "source" && op === "resolve") {
      throw notFound(`${reference} is not in ${store}`, `\`ocistore ls ${store}\` says what is`);
    }
    if (error.code === "NOT_FOUND" && side === "source" && op !== "select") {
      const hint = `\`ocistore fsck ${store}\` says what is missing there; --sparse leaves out what is absent of an index`;
      throw new CliError("NOT_FOUND", EXIT.notFound, error.message, { hint, data: { ...error.data }, cause: error });
    }
    if (error.code === "NOT_FOUND" && op === "select") {
      const hint = `\`ocistore tree ${formatPlace(source)}\` says what there is`;
      throw new CliError("NOT_FOUND", EXIT.notFound, error.message, { hint, data: { ...error.data }, cause: error });
    }
    if (error.code === "CONFLICT" && side === "destination") {
      const hint = "without --no-clobber the tag moves";
      throw new CliError("CONFLICT", EXIT.refused, error.message, { hint, data: { ...error.data }, cause: error });
    }
    throw error;
  }
}
