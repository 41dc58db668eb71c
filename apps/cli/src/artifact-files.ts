import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { fromFile } from "@ocistore/backend-fs";
import { type BlobBytes, type DescribedBlob, type Descriptor, isMediaType, type Session } from "@ocistore/core";
import type { Context } from "./context.ts";
import { CliError, EXIT, notFound, usage } from "./errors.ts";
import { bar, size } from "./output/words.ts";
import { piped } from "./stdin.ts";
import { checkTitles, TITLE } from "./titles.ts";

/** A file that becomes a layer, or the config. */
export interface ArtifactFile {
  /** `undefined`: stdin. */
  readonly path: string | undefined;
  readonly mediaType: string | undefined;
}

/** Repeated options, in their order. */
export const collect = (value: string, before: readonly string[]): string[] => [...before, value];

/** The annotations of `--annotation`; without one the manifest has no field for them. */
export function annotationsOf(list: readonly string[]): Record<string, string> | undefined {
  if (list.length === 0) return undefined;
  const annotations: Record<string, string> = Object.create(null);
  for (const each of list) {
    const equals = each.indexOf("=");
    if (equals < 1) throw usage(`not an annotation: ${each}`, "--annotation key=value");
    annotations[each.slice(0, equals)] = each.slice(equals + 1);
  }
  return annotations;
}

/** Looked at before anything is made, so that a slip of the pen leaves no empty store. What `pull` would refuse is refused. */
export async function layerFiles(texts: readonly string[], cwd: string): Promise<ArtifactFile[]> {
  const files = await Promise.all(texts.map((text) => parseFile(text, cwd)));
  onceFromStdin(files);
  checkTitles(files.flatMap(({ path }) => (path === undefined ? [] : basename(path))));
  return files;
}

export function onceFromStdin(files: readonly ArtifactFile[]): void {
  if (files.filter(({ path }) => path === undefined).length > 1)
    throw usage("- is there more than once", "stdin can be read only once");
}

/** Stores the files, and says so when all of them are. */
export async function storeLayers(
  context: Context,
  session: Session,
  files: readonly ArtifactFile[],
): Promise<Descriptor[]> {
  const { signal } = context;
  const layers: Descriptor[] = [];
  for (const file of files) layers.push(await session.putBlob(await sourceOf(context, file), { signal }));
  return layers;
}

/** Stores the file as a config, which has no title. */
export async function storeConfig(context: Context, session: Session, file: ArtifactFile): Promise<Descriptor> {
  const source = await sourceOf(context, file);
  return session.putBlob({ ...source, annotations: undefined }, { signal: context.signal });
}

export function reportLayers({ out }: Context, layers: readonly Descriptor[]): void {
  for (const layer of layers) {
    const title = layer.annotations?.[TITLE];
    out.note(
      { stored: layer.digest, size: layer.size, title },
      `stored ${title ?? "stdin"}  ${size(layer.size)}  ${layer.digest}`,
    );
  }
}

/** Of stdin nobody knows how much there is, nor a name: the layer has no title. */
async function sourceOf(context: Context, { path, mediaType }: ArtifactFile): Promise<DescribedBlob> {
  if (path === undefined) return { mediaType, stream: watched(context, "stdin", undefined, piped(context), 0) };
  const source = await fromFile(path, { mediaType, signal: context.signal });
  const stream = (start: number) => watched(context, basename(path), source.size, source.stream(start), start);
  return { ...source, stream };
}

/** `-` is stdin. What follows the last colon is a type if it can be one, and the whole is not the name of a file. */
export async function parseFile(text: string, cwd: string): Promise<ArtifactFile> {
  if (text === "-") return { path: undefined, mediaType: undefined };
  if (text.startsWith("-:") && isMediaType(text.slice(2))) return { path: undefined, mediaType: text.slice(2) };
  const whole = resolve(cwd, text);
  if (await isFile(whole, text)) return { path: whole, mediaType: undefined };
  const colon = text.lastIndexOf(":");
  const mediaType = text.slice(colon + 1);
  const name = text.slice(0, Math.max(colon, 0));
  const path = resolve(cwd, name);
  if (name !== "" && isMediaType(mediaType) && (await isFile(path, name))) return { path, mediaType };
  throw notFound(`no such file: ${isMediaType(mediaType) && name !== "" ? name : text}`, "look at the spelling");
}

async function isFile(path: string, written: string): Promise<boolean> {
  try {
    if ((await stat(path)).isFile()) return true;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
  throw new CliError("FAILED", EXIT.failed, `not a regular file: ${written}`, {
    hint: "pack a directory first, with tar",
  });
}

async function* watched(
  { out }: Context,
  name: string,
  total: number | undefined,
  stream: BlobBytes,
  start: number,
): AsyncGenerator<Uint8Array> {
  let sent = start;
  for await (const chunk of stream instanceof Uint8Array ? [stream] : stream) {
    sent += chunk.length;
    out.progress(() =>
      total === undefined ? `${name}  ${size(sent)}` : `${bar(sent, total)} ${name}  ${size(sent)} of ${size(total)}`,
    );
    yield chunk;
  }
}
