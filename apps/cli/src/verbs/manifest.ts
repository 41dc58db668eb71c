import { resolve } from "node:path";
import {
  type Bytes,
  type Digest,
  isDigest,
  isMediaType,
  MANIFEST_LIMIT,
  OciStoreError,
  parseManifest,
  parseRefName,
  type Store,
} from "@ocistore/core";
import type { Command } from "commander";
import { collect } from "../artifact-files.ts";
import { blobSource } from "../blob-source.ts";
import { type Context, digestAt, explained } from "../context.ts";
import { usage } from "../errors.ts";
import { jsonLine } from "../output/json.ts";
import { exact, formatPlace } from "../place.ts";
import type { Action } from "../run.ts";
import { writeWhole } from "../write-whole.ts";
import { removal } from "./rm.ts";

interface GetOptions {
  readonly descriptor?: boolean;
  readonly output?: string;
}

interface PutOptions {
  readonly mediaType?: string;
  readonly tag: readonly string[];
  readonly sparse?: boolean;
}

export function addManifest(program: Command, action: Action): void {
  const manifest = program.command("manifest").description("single manifests: read, store, delete");
  manifest
    .command("get")
    .description("the bytes of a manifest, exactly as they are stored")
    .argument("<reference>", "oci:DIR:TAG or oci:DIR@DIGEST; the start of a digest will do")
    .option("--descriptor", "its descriptor instead")
    .option("-o, --output <file>", "where to; - is stdout")
    .action(action(get));
  manifest
    .command("put")
    .description("store a manifest, exactly as it is; what it names must be stored")
    .argument("<place>", "oci:DIR, or oci:DIR:TAG")
    .argument("<file>", "FILE, or - for stdin")
    .option("--media-type <type>", "what it is, where it does not say so itself")
    .option("--tag <tag>", "one more tag; may be repeated", collect, [])
    .option("--sparse", "an index may name manifests that are not stored")
    .action(action(put));
  const rm = manifest
    .command("rm")
    .description("delete manifests with all that only they held; as `rm`, but for blobs");
  removal(rm, action, async (context, store, place, targets) => {
    for (const target of targets) {
      if (!isDigest(target) || (await mayBeManifest(context, store, target))) continue;
      throw usage(
        `${target} is no manifest`,
        `\`ocistore blob rm ${formatPlace({ ...place, target: { digest: target } })}\` deletes blobs`,
      );
    }
  });
}

/** One that cannot be read is deleted by this verb too, and what is not there is for the deletion to say. */
async function mayBeManifest({ signal }: Context, store: Store, digest: Digest): Promise<boolean> {
  const graph = await store.parts.catalog.graph({ signal });
  for await (const each of graph.unreadable({ signal })) if (each.digest === digest) return true;
  if (await graph.manifest("", digest, { signal, mentions: true })) return true;
  return (await graph.locate(undefined, digest, { signal })) === undefined;
}

async function get(context: Context, text: string, o: GetOptions): Promise<void> {
  const place = context.reference(text);
  const { signal, out, io } = context;
  await context.with(place, { write: false }, async (store) => {
    const repository = store.repository();
    try {
      const descriptor = await repository.resolve(await digestAt(store, place, signal), { signal });
      if (o.descriptor) {
        out.raw(new TextEncoder().encode(`${jsonLine(descriptor)}\n`));
        return;
      }
      const bytes = await repository.bytes(descriptor.digest, { signal });
      if (o.output === undefined || o.output === "-") out.raw(bytes);
      else {
        await writeWhole(resolve(io.cwd, o.output), only(bytes));
        out.result({ got: descriptor.digest, size: bytes.length, file: o.output }, `${o.output}  ${descriptor.digest}`);
      }
    } catch (error) {
      throw explained(error, place);
    }
  });
}

async function put(context: Context, text: string, file: string, o: PutOptions): Promise<void> {
  const place = context.placeOrReference(text);
  if (place.target && !("tag" in place.target))
    throw usage("manifest put takes a tag, not a digest", "the digest comes from what is put");
  const tags = [...new Set([...(place.target ? [exact(place.target)] : []), ...o.tag.map(parseRefName)])];
  if (o.mediaType !== undefined && !isMediaType(o.mediaType)) throw usage(`not a media type: ${o.mediaType}`);
  const { signal, out } = context;
  const bytes = await wholeOf(context, file);
  // Before anything is made: what is no manifest leaves no empty store.
  const { kind } = parseManifest(bytes, o.mediaType);
  if (kind === "opaque" && o.mediaType === undefined)
    throw usage(`${file} is no manifest of a type that is known`, "--media-type says what it is all the same");
  context.isChanging = true;
  const whole = { ...place, target: undefined };
  await context.with(whole, { write: true, create: true }, async (store) => {
    const stored = await store
      .repository()
      .session(
        (session) =>
          session.putManifest({ bytes, mediaType: o.mediaType }, { tags, sparse: o.sparse ?? false, signal }),
        { signal },
      );
    for (const tag of tags) out.note({ tagged: tag, digest: stored.digest }, `tagged ${tag}`);
    out.result({ stored: stored.digest, ...stored, tags }, formatPlace({ ...whole, target: stored }));
  });
}

async function* only(bytes: Uint8Array): Bytes {
  yield bytes;
}

/** No more is read than a manifest may have, and a byte to tell. */
async function wholeOf(context: Context, file: string): Promise<Uint8Array> {
  const { stream } = await blobSource(context, file, undefined);
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of (stream as (start: number) => AsyncIterable<Uint8Array>)(0)) {
    context.signal.throwIfAborted();
    pieces.push(piece);
    length += piece.length;
    if (length > MANIFEST_LIMIT) {
      throw new OciStoreError("MANIFEST_TOO_LARGE", `${file} has more than ${MANIFEST_LIMIT} bytes`);
    }
  }
  return Buffer.concat(pieces);
}
