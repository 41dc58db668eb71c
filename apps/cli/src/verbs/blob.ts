import { resolve } from "node:path";
import { type Bytes, type Digest, isMediaType, parseDigest } from "@ocistore/core";
import { type Command, InvalidArgumentError } from "commander";
import { blobSource } from "../blob-source.ts";
import { mustBeAllowed } from "../confirm.ts";
import { type Context, digestAt, explained } from "../context.ts";
import { refused, usage } from "../errors.ts";
import { size } from "../output/words.ts";
import { exact, type Place, type Target } from "../place.ts";
import { carryOut, isDryRun } from "../plan-run.ts";
import type { Action } from "../run.ts";
import { writeWhole } from "../write-whole.ts";

interface GetOptions {
  readonly output?: string;
  readonly offset?: number;
  readonly length?: number;
}

interface PutOptions {
  readonly digest?: string;
  readonly mediaType: string;
}

interface RmOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export function addBlob(program: Command, action: Action): void {
  const blob = program.command("blob").description("single blobs: read, store, delete");
  blob
    .command("get")
    .description("the bytes of a blob; whole, they are checked against its digest")
    .argument("<reference>", "oci:DIR@DIGEST")
    .option("-o, --output <file>", "where to; - is stdout, a terminal too")
    .option("--offset <bytes>", "from this byte on", bytesOf)
    .option("--length <bytes>", "only so many", bytesOf)
    .action(
      action(async (context, text: string, o: GetOptions) => {
        const place = digestPlace(context, text);
        if (o.output === undefined && context.io.stdout.isTTY)
          throw refused("a blob may be anything, and stdout is a terminal", "-o FILE, or -o - to see it all the same");
        await context
          .with(place, { write: false }, (store) =>
            digestAt(store, place, context.signal).then((digest) =>
              get(context, digest, o, (range) => store.repository().blob(digest, range)),
            ),
          )
          .catch((error: unknown) => {
            throw explained(error, place);
          });
      }),
    );
  blob
    .command("put")
    .description("store a blob; interrupted and run again, it goes on where it stopped")
    .argument("<place>", "oci:DIR")
    .argument("<file>", "FILE, or - for stdin, which goes on only with --digest")
    .option("--digest <digest>", "what it has to be")
    .option("--media-type <type>", "what the printed descriptor says it is", "application/octet-stream")
    .action(action((context, text: string, file: string, o: PutOptions) => put(context, context.place(text), file, o)));
  blob
    .command("rm")
    .description("delete a blob that nothing holds")
    .argument("<reference>", "oci:DIR@DIGEST")
    .option("-n, --dry-run", "only say what would go")
    .option("-y, --yes", "do not ask")
    .action(
      action(async (context, text: string, o: RmOptions) => {
        const place = digestPlace(context, text);
        const digest = exact(place.target);
        if (!isDryRun(o)) mustBeAllowed(context, o);
        await context.with(place, { write: !isDryRun(o) }, async (store) => {
          const plan = await store.planDeleteBlob(digest, { signal: context.signal }).catch((error: unknown) => {
            throw explained(error, place);
          });
          const remarks = () => {
            for (const { heldBy } of plan.kept)
              context.out.note(
                { kept: digest, heldBy },
                `kept ${digest}: nobody knows what is named by ${heldBy.join(", ")}`,
              );
          };
          await carryOut(context, { store, plan, place: { ...place, target: undefined }, remarks, o });
        });
      }),
    );
}

function bytesOf(text: string): number {
  const bytes = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(bytes))
    throw new InvalidArgumentError("a whole number of bytes is wanted.");
  return bytes;
}

function digestPlace(context: Context, text: string): Place & { readonly target: Target } {
  const place = context.reference(text);
  if ("tag" in place.target) throw usage(`${text} names a tag, and a blob has none`, "write oci:DIR@DIGEST");
  return place;
}

async function get(
  context: Context,
  digest: Digest,
  { output, offset = 0, length }: GetOptions,
  read: (o: { signal: AbortSignal; start?: number; end?: number }) => Bytes,
): Promise<void> {
  const { out, io, signal } = context;
  const range =
    offset === 0 && length === undefined
      ? {}
      : { start: offset, ...(length !== undefined && { end: offset + length }) };
  const bytes = read({ signal, ...range });
  if (output === undefined || output === "-") {
    for await (const piece of bytes) {
      out.raw(piece);
      await out.flow();
    }
    return;
  }
  const path = resolve(io.cwd, output);
  const got = await writeWhole(path, bytes, (done) => out.progress(() => `${output}  ${size(done)}`));
  out.result({ got: digest, size: got, file: output }, `${output}  ${size(got)}`);
}

async function put(context: Context, place: Place, file: string, o: PutOptions): Promise<void> {
  const { out, signal } = context;
  if (!isMediaType(o.mediaType))
    throw usage(`not a media type: ${o.mediaType}`, "--media-type application/octet-stream");
  const stated = o.digest === undefined ? undefined : parseDigest(o.digest);
  const { stream, ...source } = await blobSource(context, file, stated);
  let from: number | undefined;
  const watched = async function* (start: number): AsyncGenerator<Uint8Array> {
    from = start;
    if (start > 0) out.note({ resumed: start }, `resumed at ${size(start)}: so much had been stored before`);
    let sent = start;
    for await (const piece of (stream as (start: number) => AsyncIterable<Uint8Array>)(start)) {
      sent += piece.length;
      out.progress(() => `${file}  ${size(sent)}`);
      yield piece;
    }
  };
  context.isChanging = true;
  await context.with(place, { write: true, create: true }, (store) =>
    store.repository().session(
      async (session) => {
        const blob = { ...source, stream: watched, mediaType: o.mediaType };
        const stored = await session.putBlob(blob, { signal, resume: source.digest !== undefined });
        if (from === undefined) out.note({ present: stored.digest }, "it was stored already");
        out.result(
          { stored: stored.digest, size: stored.size, mediaType: stored.mediaType, resumed: from || undefined },
          stored.digest,
        );
      },
      { signal },
    ),
  );
}
