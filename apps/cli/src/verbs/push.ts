import { type Descriptor, isMediaType, MEDIA_TYPES, packManifest, parseRefName } from "@ocistore/core";
import type { Command } from "commander";
import {
  type ArtifactFile,
  annotationsOf,
  collect,
  layerFiles,
  onceFromStdin,
  parseFile,
  reportLayers,
  storeConfig,
  storeLayers,
} from "../artifact-files.ts";
import type { Context } from "../context.ts";
import { usage } from "../errors.ts";
import { size } from "../output/words.ts";
import { exact, type Place } from "../place.ts";
import type { Action } from "../run.ts";

/** What it is if nobody says, as with oras. */
const UNKNOWN = { artifact: "application/vnd.unknown.artifact.v1", config: "application/vnd.unknown.config.v1+json" };

interface Options {
  readonly artifactType?: string;
  readonly config?: string;
  readonly annotation: readonly string[];
  readonly tag: readonly string[];
}

export function addPush(program: Command, action: Action): void {
  program
    .command("push")
    .description("store files as an artifact: each is a layer with its name as the title; makes the store if need be")
    .argument("<reference>", "oci:DIR:TAG, or oci:DIR for no tag")
    .argument("[file...]", "FILE, or FILE:TYPE with the media type of its layer; - is stdin")
    .option("--artifact-type <type>", `what it is; ${UNKNOWN.artifact} unless given, or the type of --config`)
    .option("--config <file>", "FILE or FILE:TYPE, the config in place of the empty one; - is stdin")
    .option("--annotation <key=value>", "an annotation of the manifest; may be repeated", collect, [])
    .option("--tag <tag>", "one more tag; may be repeated", collect, [])
    .action(
      action(async (context, text: string, files: string[], o: Options) => {
        const place = context.placeOrReference(text);
        const tags = tagsOf(place, o.tag);
        if (o.artifactType !== undefined && !isMediaType(o.artifactType))
          throw usage(`not a media type: ${o.artifactType}`, "--artifact-type application/vnd.example");
        const annotations = annotationsOf(o.annotation);
        if (files.length + o.annotation.length === 0 && o.config === undefined)
          throw usage("nothing to push is named", "give a file, or --config, or --annotation key=value");
        const sources = await layerFiles(files, context.io.cwd);
        const configFile = await configOf(o, context.io.cwd);
        if (configFile) onceFromStdin([...sources, configFile]);
        const artifactType = o.artifactType ?? (configFile ? undefined : UNKNOWN.artifact);
        context.isChanging = true;
        await context.with(place, { write: true, create: true }, (store) =>
          store.repository().session(
            async (session) => {
              const { signal } = context;
              const config = configFile && (await storeConfig(context, session, configFile));
              const layers = await storeLayers(context, session, sources);
              const packed = packManifest({
                layers,
                ...(artifactType && { artifactType }),
                ...(config && { config }),
                ...(annotations && { annotations }),
              });
              const pushed = await session.putManifest(packed, { tags, signal });
              report(context, place, { pushed, layers, tags, config });
            },
            { signal: context.signal },
          ),
        );
      }),
    );
}

/** A config of the empty type says nothing about what it is the config of. */
async function configOf({ config, artifactType }: Options, cwd: string): Promise<ArtifactFile | undefined> {
  if (config === undefined) return undefined;
  const { path, mediaType = UNKNOWN.config } = await parseFile(config, cwd);
  if (mediaType === MEDIA_TYPES.empty && artifactType === undefined)
    throw usage("nothing says what is pushed", "--artifact-type application/vnd.example, or --config FILE:TYPE");
  return { path, mediaType };
}

function tagsOf({ target }: Place, more: readonly string[]): string[] {
  if (target && !("tag" in target))
    throw usage("push takes a tag, not a digest", "the digest comes from what is pushed");
  return [...new Set([...(target ? [exact(target)] : []), ...more.map(parseRefName)])];
}

interface Pushed {
  readonly pushed: Descriptor;
  readonly config: Descriptor | undefined;
  readonly layers: readonly Descriptor[];
  readonly tags: readonly string[];
}

function report(context: Context, { written }: Place, { pushed, config, layers, tags }: Pushed): void {
  const { out } = context;
  const { digest, mediaType, artifactType } = pushed;
  if (config)
    out.note(
      { stored: config.digest, size: config.size, config: true },
      `stored config  ${size(config.size)}  ${config.digest}`,
    );
  reportLayers(context, layers);
  for (const tag of tags) out.note({ tagged: tag, digest }, `tagged ${tag}`);
  const value = {
    pushed: digest,
    size: pushed.size,
    mediaType,
    artifactType,
    tags,
    config: config?.digest,
    layers: layers.map((layer) => layer.digest),
  };
  out.result(value, `oci:${written}@${digest}`);
}
