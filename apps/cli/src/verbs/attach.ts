import { isMediaType, packManifest } from "@ocistore/core";
import type { Command } from "commander";
import { annotationsOf, collect, layerFiles, reportLayers, storeLayers } from "../artifact-files.ts";
import { explained } from "../context.ts";
import { notFound, usage } from "../errors.ts";
import { exact, formatPlace } from "../place.ts";
import type { Action } from "../run.ts";

interface Options {
  readonly artifactType: string;
  readonly annotation: readonly string[];
}

export function addAttach(program: Command, action: Action): void {
  program
    .command("attach")
    .description("store files as a referrer of what is stored: a signature, an SBOM, a report")
    .argument("<reference>", "oci:DIR:TAG or oci:DIR@DIGEST: what they are about")
    .argument("[file...]", "FILE, or FILE:TYPE with the media type of its layer; - is stdin")
    .requiredOption("--artifact-type <type>", "what it is")
    .option("--annotation <key=value>", "an annotation of the manifest; may be repeated", collect, [])
    .action(
      action(async (context, text: string, files: string[], o: Options) => {
        const place = context.reference(text);
        const reference = exact(place.target);
        if (!isMediaType(o.artifactType))
          throw usage(`not a media type: ${o.artifactType}`, "--artifact-type application/vnd.example");
        const annotations = annotationsOf(o.annotation);
        if (files.length + o.annotation.length === 0)
          throw usage("nothing to attach is named", "give a file, or --annotation key=value");
        const sources = await layerFiles(files, context.io.cwd);
        await context.with(place, { write: true }, async (store) => {
          const { signal, out } = context;
          const repository = store.repository();
          const found = await repository.resolve(reference, { signal }).catch((error: unknown) => {
            throw explained(error, place);
          });
          context.isChanging = true;
          await repository.session(
            async (session) => {
              // A subject may be missing, and this one must not go while its referrer comes.
              if ((await session.has([found.digest], { signal })).size === 0)
                throw notFound(`${found.digest} has just been deleted`);
              const { mediaType, digest, size } = found;
              const layers = await storeLayers(context, session, sources);
              const subject = { mediaType, digest, size };
              const packed = packManifest({
                artifactType: o.artifactType,
                layers,
                subject,
                ...(annotations && { annotations }),
              });
              const attached = await session.putManifest(packed, { signal });
              reportLayers(context, layers);
              out.result(
                {
                  attached: attached.digest,
                  subject: digest,
                  size: attached.size,
                  mediaType: attached.mediaType,
                  artifactType: attached.artifactType,
                  layers: layers.map((layer) => layer.digest),
                },
                formatPlace({ ...place, target: { digest: attached.digest } }),
              );
            },
            { signal },
          );
        });
      }),
    );
}
