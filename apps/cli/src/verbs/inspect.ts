import type { Digest, Store } from "@ocistore/core";
import type { Command } from "commander";
import { Content, platformName } from "../content.ts";
import { type Context, digestAt } from "../context.ts";
import { notFound } from "../errors.ts";
import { bold, dim } from "../output/line.ts";
import { size } from "../output/words.ts";
import { formatPlace, type Place, type Target } from "../place.ts";
import type { Action } from "../run.ts";

export function addInspect(program: Command, action: Action): void {
  program
    .command("inspect")
    .description("one manifest in full: what it is, what it names, what refers to it")
    .argument("<reference>", "oci:DIR:TAG or oci:DIR@DIGEST; the start of a digest will do")
    .option("--raw", "the bytes of the manifest, exactly as they are stored")
    .action(
      action(async (context, text: string, o: { raw?: boolean }) => {
        const place = context.reference(text);
        await context.with(place, { write: false }, async (store) => {
          const digest = await digestAt(store, place, context.signal);
          if (o.raw) context.out.raw(await store.repository().bytes(digest, { signal: context.signal }));
          else await inspect(context, store, place, digest);
        });
      }),
    );
}

async function inspect(
  context: Context,
  store: Store,
  place: Place & { target: Target },
  digest: Digest,
): Promise<void> {
  const { out, signal } = context;
  const located = await store.parts.catalog.locate(undefined, digest, { signal });
  if (!located)
    throw notFound(
      `${digest} is not stored in ${place.written}`,
      `\`ocistore ls ${place.scheme}:${place.written}\` says what there is`,
    );
  const content = await Content.load(store, signal);
  const manifest = await content.manifest(digest);
  const stored = new Date(located.since).toISOString();
  if (!manifest) {
    const kind = content.unreadable.has(digest) ? "unreadable" : "blob";
    const problem = content.unreadable.get(digest);
    out.result(
      { digest, kind, size: located.size, stored, ...(problem && { problem }) },
      bold(digest),
      `  ${kind}  ${size(located.size)}`,
    );
    if (problem) out.note({ warning: problem, digest }, `warning: it cannot be read: ${problem}`);
    else out.note({}, `\`ocistore why ${formatPlace({ ...place, target: { digest } })}\` says what names it`);
    return;
  }
  const { mediaType, artifactType, annotations, config, layers, manifests, blobs, subject } = manifest;
  const referrers = (await content.referrersOf(digest)).map((each) => {
    const record = content.records.get(each);
    return { digest: each, artifactType: record?.artifactType, size: record?.size };
  });
  const tags = content.tagsOf(digest);
  const kind = content.kindOf(digest);
  const totalSize = content.sizeOf(digest);
  const platforms = await content.platformsOf(digest);
  out.object({
    digest,
    kind,
    mediaType,
    artifactType,
    size: located.size,
    totalSize,
    stored,
    tags,
    platforms,
    annotations,
    config,
    layers,
    manifests,
    blobs,
    subject,
    referrers,
  });
  const row = (name: string, value: string | undefined) => value && out.text(dim(name.padEnd(14)), value);
  out.text(bold(digest), `  ${kind}`);
  row("tags", tags.join(", "));
  row("media type", mediaType);
  row("artifact type", artifactType);
  row("size", `${size(located.size)}, ${size(totalSize)} with all that it names`);
  row("stored", stored);
  row("platforms", platforms.join(", "));
  row("subject", subject?.digest);
  row("config", config && `${config.digest}  ${size(config.size)}  ${config.mediaType}`);
  for (const each of [...layers, ...blobs]) {
    const title = each.annotations?.["org.opencontainers.image.title"];
    row("layer", [each.digest, size(each.size), each.mediaType, title].filter(Boolean).join("  "));
  }
  for (const each of manifests)
    row("manifest", [each.digest, size(each.size), ...platformName(each.platform)].join("  "));
  for (const each of referrers) row("referrer", [each.digest, each.artifactType].filter(Boolean).join("  "));
  for (const [key, value] of Object.entries(annotations ?? {})) row("annotation", `${key}=${value}`);
}
