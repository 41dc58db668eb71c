import { isOciStoreError, type Store, type UploadInfo } from "@ocistore/core";
import type { Command } from "commander";
import { confirm, mustBeAllowed } from "../confirm.ts";
import type { Context } from "../context.ts";
import { formatAge } from "../duration.ts";
import { notFound, usage } from "../errors.ts";
import { bold, type Segment } from "../output/line.ts";
import { count, size } from "../output/words.ts";
import { formatPlace } from "../place.ts";
import type { Action } from "../run.ts";

interface RmOptions {
  readonly all?: boolean;
  readonly yes?: boolean;
}

export function addUploads(program: Command, action: Action): void {
  const uploads = program.command("uploads").description("bytes on their way in, and what was left half-way");
  uploads
    .command("ls")
    .description("the uploads, the one touched last first")
    .argument("[place]", "oci:DIR")
    .action(
      action(async (context, text: string | undefined) => {
        await context.with(context.place(text), { write: false }, (store) => list(context, store));
      }),
    );
  uploads
    .command("rm")
    .description("give uploads up, with their bytes; those that somebody is writing to stay")
    .argument("<place>", "oci:DIR")
    .argument("[id...]", "as `uploads ls` lists them")
    .option("--all", "all that nobody is writing to")
    .option("-y, --yes", "do not ask")
    .action(
      action(async (context, text: string, ids: string[], o: RmOptions) => {
        if (o.all === true ? ids.length > 0 : ids.length === 0)
          throw usage(
            "either uploads are named, or --all is given",
            "uploads rm oci:DIR ID, or uploads rm oci:DIR --all",
          );
        const place = context.place(text);
        mustBeAllowed(context, o, `\`ocistore uploads ls ${formatPlace(place)}\` to see what would go`);
        await context.with(place, { write: true }, (store) => remove(context, store, ids, o));
      }),
    );
}

const COLUMNS = [
  { title: "ID" },
  { title: "SIZE", align: "right" },
  { title: "AGE", align: "right" },
  { title: "IN USE BY", isSoft: true },
] as const;

async function all({ signal }: Context, store: Store): Promise<UploadInfo[]> {
  const found: UploadInfo[] = [];
  for await (const upload of store.uploads({ signal })) found.push(upload);
  return found.sort((a, b) => b.touched - a.touched || (a.id < b.id ? -1 : 1));
}

async function list(context: Context, store: Store): Promise<void> {
  const { out, clock } = context;
  const rows: Segment[][] = [];
  for (const { id, offset, touched, holder } of await all(context, store)) {
    out.object({
      upload: id,
      size: offset,
      touched: new Date(touched).toISOString(),
      inUse: holder !== undefined,
      holder,
    });
    await out.flow();
    rows.push([bold(id), size(offset), formatAge(Math.max(0, clock.now() - touched)), holder ?? ""]);
  }
  out.table(COLUMNS, rows);
  if (!out.json && rows.length === 0) out.note({}, "nothing is on its way in");
}

async function remove(context: Context, store: Store, ids: readonly string[], o: RmOptions): Promise<void> {
  const { out, signal } = context;
  const present = await all(context, store);
  const missing = ids.find((id) => !present.some((upload) => upload.id === id));
  if (missing !== undefined) throw notFound(`no upload ${missing}`, "`ocistore uploads ls` says what there is");
  const chosen = present.filter(({ id, holder }) => (o.all ? holder === undefined : ids.includes(id)));
  const bytes = chosen.reduce((sum, { offset }) => sum + offset, 0);
  if (!o.yes && chosen.length > 0) {
    await confirm(context, `${count(chosen.length, "upload")}, ${size(bytes)} to be given up. Go on?`);
  }
  context.isChanging = true;
  const tally = { removed: 0, bytes: 0 };
  for (const { id, offset } of chosen) {
    try {
      await store.dropUpload(id, { signal });
    } catch (error) {
      // Since the list was made somebody has ended it, or has come back to it; who named it is told.
      if (isOciStoreError(error, "UPLOAD_UNKNOWN") || (o.all && isOciStoreError(error, "LOCKED"))) continue;
      throw error;
    }
    tally.removed += 1;
    tally.bytes += offset;
    out.result({ removed: id, size: offset }, `gave up ${id}  ${size(offset)}`);
  }
  out.result({ summary: tally }, `gave up ${count(tally.removed, "upload")}, ${size(tally.bytes)} freed`);
}
