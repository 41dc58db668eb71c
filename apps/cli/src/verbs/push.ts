import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { fromFile } from "@ocistore/backend-fs";
import { type BlobBytes, type Descriptor, isMediaType, packManifest, parseRefName } from "@ocistore/core";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { CliError, EXIT, notFound, usage } from "../errors.ts";
import { size } from "../output/words.ts";
import { exact, type Place } from "../place.ts";
import type { Action } from "../run.ts";

interface Options {
  readonly artifactType: string;
  readonly annotation: readonly string[];
  readonly tag: readonly string[];
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value];

export function addPush(program: Command, action: Action): void {
  program
    .command("push")
    .description("store files as an artifact: each is a layer with its name as the title; makes the store if need be")
    .argument("<reference>", "oci:DIR:TAG, or oci:DIR for no tag")
    .argument("<file...>", "FILE, or FILE:TYPE with the media type of its layer")
    .option("--artifact-type <type>", "what it is", "application/vnd.unknown.artifact.v1")
    .option("--annotation <key=value>", "an annotation of the manifest; may be repeated", collect, [])
    .option("--tag <tag>", "one more tag; may be repeated", collect, [])
    .action(
      action(async (context, text: string, files: string[], o: Options) => {
        const place = context.placeOrReference(text);
        const tags = tagsOf(place, o.tag);
        if (!isMediaType(o.artifactType))
          throw usage(`not a media type: ${o.artifactType}`, "--artifact-type application/vnd.example");
        const annotations = annotationsOf(o.annotation);
        const sources = await Promise.all(files.map((file) => parseFile(file, context.io.cwd)));
        context.isChanging = true;
        await context.with(place, { write: true, create: true }, (store) =>
          store.repository().session(
            async (session) => {
              const { signal } = context;
              const layers: Descriptor[] = [];
              for (const { path, mediaType } of sources) {
                const source = await fromFile(path, { mediaType, signal });
                const stream = (start: number) => watched(context, basename(path), source.stream(start));
                layers.push(await session.putBlob({ ...source, stream }, { signal }));
              }
              const packed = packManifest({ artifactType: o.artifactType, layers, annotations });
              const pushed = await session.putManifest(packed, { tags, signal });
              report(context, place, pushed, layers, tags);
            },
            { signal: context.signal },
          ),
        );
      }),
    );
}

function tagsOf({ target }: Place, more: readonly string[]): string[] {
  if (target && !("tag" in target))
    throw usage("push takes a tag, not a digest", "the digest comes from what is pushed");
  return [...new Set([...(target ? [exact(target)] : []), ...more.map(parseRefName)])];
}

function annotationsOf(list: readonly string[]): Record<string, string> {
  const annotations: Record<string, string> = Object.create(null);
  for (const each of list) {
    const equals = each.indexOf("=");
    if (equals < 1) throw usage(`not an annotation: ${each}`, "--annotation key=value");
    annotations[each.slice(0, equals)] = each.slice(equals + 1);
  }
  return annotations;
}

/** What follows the last colon is a type if it can be one, and the whole is not the name of a file. */
async function parseFile(text: string, cwd: string): Promise<{ path: string; mediaType: string | undefined }> {
  const whole = resolve(cwd, text);
  if (await isFile(whole, text)) return { path: whole, mediaType: undefined };
  const colon = text.lastIndexOf(":");
  const mediaType = text.slice(colon + 1);
  const name = text.slice(0, Math.max(colon, 0));
  const path = resolve(cwd, name);
  if (name !== "" && isMediaType(mediaType) && (await isFile(path, name))) return { path, mediaType };
  throw notFound(`no such file: ${isMediaType(mediaType) && name !== "" ? name : text}`, "look at the spelling");
}

/** Looked at before anything is made, so that a slip of the pen leaves no empty store. */
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

async function* watched({ out }: Context, name: string, stream: BlobBytes): AsyncGenerator<Uint8Array> {
  let sent = 0;
  for await (const chunk of stream instanceof Uint8Array ? [stream] : stream) {
    sent += chunk.length;
    out.progress(() => `${name}  ${size(sent)}`);
    yield chunk;
  }
}

function report(
  { out }: Context,
  { written }: Place,
  pushed: Descriptor,
  layers: readonly Descriptor[],
  tags: readonly string[],
): void {
  const { digest, mediaType, artifactType } = pushed;
  for (const layer of layers) {
    const title = layer.annotations?.["org.opencontainers.image.title"] ?? "";
    out.note(
      { stored: layer.digest, size: layer.size, title },
      `stored ${title}  ${size(layer.size)}  ${layer.digest}`,
    );
  }
  for (const tag of tags) out.note({ tagged: tag, digest }, `tagged ${tag}`);
  const value = {
    pushed: digest,
    size: pushed.size,
    mediaType,
    artifactType,
    tags,
    layers: layers.map((layer) => layer.digest),
  };
  out.result(value, `oci:${written}@${digest}`);
}
