import { type Descriptor, isMediaType, packManifest, parseRefName } from "@ocistore/core";
import type { Command } from "commander";
import { annotationsOf, collect, layerFiles, reportLayers, storeLayers } from "../artifact-files.ts";
import type { Context } from "../context.ts";
import { usage } from "../errors.ts";
import { exact, type Place } from "../place.ts";
import type { Action } from "../run.ts";

interface Options {
  readonly artifactType: string;
  readonly annotation: readonly string[];
  readonly tag: readonly string[];
}

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
        const sources = await layerFiles(files, context.io.cwd);
        context.isChanging = true;
        await context.with(place, { write: true, create: true }, (store) =>
          store.repository().session(
            async (session) => {
              const { signal } = context;
              const layers = await storeLayers(context, session, sources);
              const packed = packManifest({
                artifactType: o.artifactType,
                layers,
                ...(annotations && { annotations }),
              });
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

function report(
  context: Context,
  { written }: Place,
  pushed: Descriptor,
  layers: readonly Descriptor[],
  tags: readonly string[],
): void {
  const { out } = context;
  const { digest, mediaType, artifactType } = pushed;
  reportLayers(context, layers);
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
