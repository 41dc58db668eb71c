import { type Condemned, isOciStoreError, type RemovalRun, type Store } from "@ocistore/core";
import type { Command } from "commander";
import { confirm, mustBeAllowed } from "../confirm.ts";
import type { Context } from "../context.ts";
import { formatAge } from "../duration.ts";
import { notFound, usage } from "../errors.ts";
import { bold, type Segment } from "../output/line.ts";
import { count, size } from "../output/words.ts";
import { formatPlace } from "../place.ts";
import { outcomeLine } from "../plan-output.ts";
import type { Action } from "../run.ts";
import { isRunId } from "../run-id.ts";

interface EmptyOptions {
  readonly run?: string;
  readonly yes?: boolean;
}

export function addTrash(program: Command, action: Action): void {
  const trash = program.command("trash").description("what rm and gc took and `undo` can still bring back");
  trash
    .command("ls")
    .description("the runs, the latest first")
    .argument("[place]", "oci:DIR")
    .action(
      action(async (context, text: string | undefined) => {
        await context.with(context.place(text), { write: false }, (store) => list(context, store));
      }),
    );
  trash
    .command("empty")
    .description("erase it before its time; nothing of it can be brought back then")
    .argument("[place]", "oci:DIR")
    .option("--run <run>", "of this run only")
    .option("-y, --yes", "do not ask")
    .action(
      action(async (context, text: string | undefined, o: EmptyOptions) => {
        if (o.run !== undefined && !isRunId(o.run)) throw usage(`${o.run} names no run`, "`trash ls` lists them");
        const place = context.place(text);
        mustBeAllowed(context, o, `\`ocistore trash ls ${formatPlace(place)}\` to see what would go`);
        await context.with(place, { write: true }, (store) => empty(context, store, o));
      }),
    );
}

const COLUMNS = [
  { title: "RUN" },
  { title: "AGE", align: "right" },
  { title: "STAYS", align: "right" },
  { title: "DIGESTS", align: "right" },
  { title: "SIZE", align: "right" },
  { title: "TAGS", isSoft: true },
] as const;

async function list({ out, signal, clock }: Context, store: Store): Promise<void> {
  const now = clock.now();
  const rows: Segment[][] = [];
  for await (const { run, at, until, tags, manifests, content, bytes } of store.trash({ signal })) {
    out.object({
      run,
      at: new Date(at).toISOString(),
      until: new Date(until).toISOString(),
      tags: tags.map(({ name, digest }) => ({ name, digest })),
      manifests: manifests.length,
      digests: content,
      size: bytes,
    });
    await out.flow();
    const names = tags.map(({ name }) => name).join(", ");
    const [age, left] = [formatAge(Math.max(0, now - at)), formatAge(Math.max(0, until - now))];
    rows.push([bold(run), age, left, String(content), size(bytes), names]);
  }
  out.table(COLUMNS, rows);
  if (!out.json && rows.length === 0) out.note({}, "nothing is in the trash");
}

async function empty(context: Context, store: Store, o: EmptyOptions): Promise<void> {
  const { out, signal } = context;
  const chosen: RemovalRun[] = [];
  for await (const run of store.trash({ signal })) if (o.run === undefined || run.run === o.run) chosen.push(run);
  if (o.run !== undefined && chosen.length === 0) throw notFound(`no run ${o.run} is remembered here`);
  if (!o.yes && chosen.length > 0) {
    const digests = chosen.reduce((sum, { content }) => sum + content, 0);
    const bytes = chosen.reduce((sum, each) => sum + each.bytes, 0);
    const what = `${count(chosen.length, "run")} to be forgotten, ${count(digests, "digest")}, ${size(bytes)} to be erased`;
    await confirm(context, `${what}. Go on?`);
  }
  context.isChanging = true;
  const onErased = ({ digest, size: bytes, kind }: Condemned) => {
    const reason = "from the trash";
    const item = { digest, size: bytes, kind, reason };
    out.result({ removed: digest, size: bytes, kind, reason }, ...outcomeLine(out, "removed", item));
  };
  try {
    const { erased, bytes } = await store.emptyTrash({ signal, run: o.run, onErased });
    out.result({ summary: { removed: erased, bytes } }, `removed ${count(erased, "digest")}, ${size(bytes)} freed`);
  } catch (error) {
    // It was there a moment ago, and somebody else has been faster.
    if (!isOciStoreError(error, "NOT_FOUND")) throw error;
    out.result({ summary: { removed: 0, bytes: 0 } }, "removed 0 digests, 0 B freed");
  }
}
