import { join, resolve } from "node:path";
import {
  childFor,
  type Descriptor,
  type Digest,
  isOciStoreError,
  type Manifest,
  parsePlatformName,
  type Repository,
} from "@ocistore/core";
import { type Command, InvalidArgumentError } from "commander";
import { platformName } from "../content.ts";
import { type Context, digestAt, explained } from "../context.ts";
import { notFound, usage } from "../errors.ts";
import { size } from "../output/words.ts";
import { formatPlace, type Place } from "../place.ts";
import { PullTarget } from "../pull-target.ts";
import type { Action } from "../run.ts";
import { checkTitles, TITLE } from "../titles.ts";

interface Options {
  readonly output: string;
  readonly overwrite?: boolean;
  readonly platform?: string;
}

export function addPull(program: Command, action: Action): void {
  program
    .command("pull")
    .description("write the files of an artifact: each layer that has a title, under that name")
    .argument("<reference>", "oci:DIR:TAG or oci:DIR@DIGEST; the start of a digest will do")
    .option("-o, --output <dir>", "the directory; made if need be", ".")
    .option("--overwrite", "replace files that are there")
    .option("--platform <os/arch>", "of an index, the manifest for this, as linux/amd64 or linux/arm/v7", platform)
    .action(
      action(async (context, text: string, o: Options) => {
        const place = context.reference(text);
        await context
          .with(place, { write: false }, async (store) => {
            const start = await digestAt(store, place, context.signal);
            await pull(context, store.repository(), place, start, o);
          })
          .catch((error: unknown) => {
            throw explained(error, place);
          });
      }),
    );
}

function platform(value: string): string {
  try {
    parsePlatformName(value);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
  return value;
}

async function pull(context: Context, repository: Repository, place: Place, start: Digest, o: Options): Promise<void> {
  const { out, io, signal } = context;
  const { digest, manifest } = await choose(context, repository, start, o.platform);
  const layers = titled(context, [...manifest.layers, ...manifest.blobs]);
  const titles = layers.map(({ title }) => title);
  checkTitles(titles);
  const target = new PullTarget(resolve(io.cwd, o.output), { overwrite: o.overwrite ?? false });
  await target.check(titles);
  try {
    for (const { title, layer } of layers) {
      const bytes = repository.blob(layer.digest, { signal });
      await target.stage(title, bytes, (done) => out.progress(() => `${title}  ${size(done)}`));
    }
    signal.throwIfAborted();
    context.isChanging = true;
    await target.publish();
  } finally {
    await target.discard();
  }
  for (const { title, layer } of layers) {
    const path = join(o.output, title);
    const value = { pulled: path, digest: layer.digest, size: layer.size };
    out.result(value, `${path}  ${size(layer.size)}  ${out.digest(layer.digest)}`);
  }
  const { mediaType, artifactType } = manifest;
  const reference = formatPlace({ ...place, target: { digest } });
  out.result({ manifest: digest, mediaType, artifactType, files: layers.length }, reference);
}

/** The manifest with the files: of an index the one for the platform, which may be an index again. */
async function choose(
  { out, signal }: Context,
  repository: Repository,
  start: Digest,
  wanted: string | undefined,
): Promise<{ readonly digest: Digest; readonly manifest: Manifest }> {
  let digest = start;
  let manifest: Manifest = await repository.manifest(digest, { signal });
  if (wanted !== undefined && manifest.kind !== "index")
    out.note({ ignored: "platform" }, "it is no index: --platform says nothing");
  while (manifest.kind === "index") {
    digest = chosenOf(manifest.manifests, digest, wanted);
    manifest = await repository.manifest(digest, { signal });
  }
  return { digest, manifest };
}

function chosenOf(manifests: readonly Descriptor[], index: Digest, wanted: string | undefined): Digest {
  const names = [...new Set(manifests.flatMap((each) => platformName(each.platform)))];
  const there = names.length > 0 ? `it has ${names.join(", ")}` : "none of its manifests has a platform: give a digest";
  if (wanted === undefined) throw usage(`${index} is an index: say by --platform which of it`, there);
  try {
    return childFor(manifests, parsePlatformName(wanted)).digest;
  } catch (error) {
    if (!isOciStoreError(error, "NOT_FOUND")) throw error;
    throw notFound(`nothing for ${wanted} in ${index}`, there);
  }
}

function titled(
  { out }: Context,
  layers: readonly Descriptor[],
): readonly { readonly title: string; readonly layer: Descriptor }[] {
  return layers.flatMap((layer) => {
    const title = layer.annotations?.[TITLE];
    if (title !== undefined) return { title, layer };
    out.note({ skipped: layer.digest, size: layer.size }, `skipped ${out.digest(layer.digest)}, which has no title`);
    return [];
  });
}
