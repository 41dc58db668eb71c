import { foreseeLayout, hasCatalogBeside, repairLayout } from "@ocistore/backend-fs";
import { type CheckOptions, type Finding, isOciStoreError, type Store } from "@ocistore/core";
import type { Command } from "commander";
import { addCatalog, sayLost } from "../catalog.ts";
import type { Context } from "../context.ts";
import { CliError, EXIT, usage } from "../errors.ts";
import { styled } from "../output/line.ts";
import { count, size } from "../output/words.ts";
import type { Place } from "../place.ts";
import type { Action } from "../run.ts";

interface Options {
  readonly fast?: boolean;
  readonly repair?: boolean;
  readonly from: readonly string[];
  readonly dryRun?: boolean;
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value];

export function addFsck(program: Command, action: Action): void {
  program
    .command("fsck")
    .alias("verify")
    .description("is it all sound: every byte against its digest, every name against what is there; exit 4 if not")
    .argument("[place]", "oci:DIR")
    .option("--fast", "names and sizes only; reads no blob")
    .option("--repair", "mend what can be mended; nothing is destroyed by it")
    .option("--from <place>", "with --repair: where sound copies may be fetched from; may be repeated", collect, [])
    .option("-n, --dry-run", "with --repair: say what would be done, and change nothing")
    .action(
      action(async (context, text: string | undefined, o: Options) => {
        const place = context.place(text);
        if (o.repair && o.fast) throw usage("--fast and --repair together", "a repair reads everything");
        if (!o.repair && (o.dryRun || o.from.length > 0)) throw usage("-n and --from are for --repair", "add --repair");
        const report = new Report(context, o);
        if (!o.repair) {
          await context.with(place, { write: false }, (store) => report.of(store, { fast: o.fast }));
          return report.end();
        }
        context.isChanging = !o.dryRun;
        await withSources(
          context,
          o.from.map((each) => context.place(each)),
          [],
          async (sources) => {
            const from = sources.map((store) => store.repository());
            const options = { repair: true, dryRun: o.dryRun, from };
            const hasCatalog = place.scheme === "oci" && (await hasCatalogBeside(place.directory));
            if (hasCatalog && !(await mendCatalog(context, place, report, o))) return;
            const foreseen = await mendToOpen(context, place, report, o);
            if (foreseen) await report.of(foreseen, options).finally(() => foreseen.close());
            else await context.with(place, { write: !o.dryRun }, (store) => report.of(store, options));
          },
        );
        return report.end();
      }),
    );
}

function withSources(
  context: Context,
  places: readonly Place[],
  opened: readonly Store[],
  work: (sources: readonly Store[]) => Promise<void>,
): Promise<void> {
  const [first, ...rest] = places;
  if (!first) return work(opened);
  return context.with(first, { write: false }, (store) => withSources(context, rest, [...opened, store], work));
}

/** Mends a layout that cannot be opened, so that it can; a dry run gives it as it would be then. */
async function mendToOpen(context: Context, place: Place, report: Report, o: Options): Promise<Store | undefined> {
  try {
    await context.with(place, { write: false }, async () => {});
    return undefined;
  } catch (error) {
    if (place.scheme !== "oci" || !isOciStoreError(error, "LAYOUT_INVALID")) throw error;
  }
  const { signal, clock } = context;
  const options = { signal, env: clock };
  const foreseen = o.dryRun ? await foreseeLayout(place.directory, options) : undefined;
  const findings = foreseen?.findings ?? (await repairLayout(place.directory, options));
  for (const finding of findings) await report.finding(finding);
  return foreseen?.store;
}

/** What only another catalog can mend. */
const OF_THE_CATALOG: readonly Finding["code"][] = ["catalog", "edges", "listing", "unrecorded"];

/**
 * Makes a catalog anew that cannot be read, or that what is stored does not bear out.
 *
 * @returns Whether the store can be opened; after a dry run it may be that it cannot.
 */
async function mendCatalog(context: Context, place: Place, report: Report, o: Options): Promise<boolean> {
  const { signal, clock: env, out } = context;
  const found: Finding[] = [];
  let opens = true;
  try {
    await context.with(place, { write: false }, async (store) => {
      for await (const finding of store.check({ signal, catalog: true })) {
        if (OF_THE_CATALOG.includes(finding.code)) found.push(finding);
      }
    });
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== "CORRUPT") throw error;
    opens = false;
    const { path } = error.data as { readonly path?: string };
    found.push({ level: "error", code: "catalog", path, message: error.message });
  }
  if (found.length === 0) return true;
  if (!o.dryRun) sayLost(out, await addCatalog(place.directory, { env, signal }));
  for (const finding of found) await report.finding({ ...finding, repaired: "the catalog is made anew" });
  return opens || !o.dryRun;
}

/** Prints findings and counts them. */
class Report {
  readonly #context: Context;
  readonly #o: Options;
  readonly #said = new Set<string>();
  readonly #sum = { checked: 0, bytes: 0, errors: 0, warnings: 0, repaired: 0 };

  constructor(context: Context, o: Options) {
    this.#context = context;
    this.#o = o;
  }

  async of(store: Store, o: CheckOptions): Promise<void> {
    const { out, signal } = this.#context;
    const onChecked = (blob: { readonly size: number }) => {
      this.#sum.checked += 1;
      this.#sum.bytes += blob.size;
      out.progress(() => `${count(this.#sum.checked, "blob")}, ${size(this.#sum.bytes)}`);
    };
    for await (const finding of store.check({ ...o, signal, onChecked })) await this.finding(finding);
    out.endProgress();
  }

  async finding(finding: Finding): Promise<void> {
    const { out } = this.#context;
    const { level, code, digest, path, namedBy, message, advice, repaired } = finding;
    // What made it possible to open the store, and what a dry run has not mended, is found again by looking at all of it.
    const key = JSON.stringify([code, digest, path, namedBy, message]);
    if (this.#said.has(key)) return;
    this.#said.add(key);
    if (repaired !== undefined && level !== "note") this.#sum.repaired += 1;
    else if (level === "error") this.#sum.errors += 1;
    else if (level === "warning") this.#sum.warnings += 1;
    const about = digest ?? path;
    const by = namedBy ? `  (named by ${namedBy})` : "";
    const toDo = advice === undefined ? "" : ` — ${advice}`;
    const done = repaired === undefined ? toDo : `  ${this.#o.dryRun ? "would be" : "now"}: ${repaired}`;
    const color = repaired !== undefined ? "green" : level === "error" ? "red" : "yellow";
    const value = {
      finding: code,
      level,
      ...(digest && { digest }),
      ...(path && { path }),
      ...(namedBy && { namedBy }),
      message,
      ...(repaired ? { repaired } : advice && { advice }),
    };
    out.result(value, styled(color, `${level}: ${code}`), `  ${about ? `${about}  ` : ""}${message}${by}${done}`);
    await out.flow();
  }

  end(): number {
    const { checked, bytes, errors, warnings, repaired } = this.#sum;
    const { repair, fast, dryRun } = this.#o;
    const words = fast ? "names and sizes" : `${count(checked, "blob")}, ${size(bytes)}`;
    const left = errors + warnings === 0 ? "all is sound" : `${count(errors, "error")}, ${count(warnings, "warning")}`;
    const mended =
      repaired > 0 ? `${count(repaired, "finding")} ${dryRun ? "would be" : ""} mended; `.replace("  ", " ") : "";
    const value = { checked, bytes, errors, warnings, ...(repair && { repaired }), ...(dryRun && { dryRun }) };
    this.#context.out.result({ summary: value }, `checked ${words}: ${mended}${left}`);
    return errors + warnings > 0 ? EXIT.findings : EXIT.done;
  }
}
