import { join } from "node:path";
import { type Descriptor, packManifest, type Store } from "@ocistore/core";
import { type MultiPlatform, putImage, putMultiPlatform } from "./images.ts";
import type { Digest } from "./naive.ts";
import { opened } from "./store.ts";
import { temporary } from "./tools.ts";

export interface Ours {
  readonly directory: string;
  readonly store: Store;
  readonly app: MultiPlatform;
  readonly single: Described;
}

interface Described extends Descriptor {
  readonly digest: Digest & Descriptor["digest"];
}

/** A layout that we wrote: `app`, an index with referrers, and `single`, an image that shares its base layer. */
export async function ours(): Promise<Ours> {
  const directory = join(await temporary(), "ours");
  const store = await opened(directory, { create: true });
  const app = await putMultiPlatform(store.repository(), "app");
  const single = await store
    .repository()
    .session((session) => putImage(session, { files: { "usr/bin/single": "single\n" }, tags: ["single"] }));
  return { directory, store, app, single: single as Described };
}

/** An artifact of one titled file. */
export function putNote(
  store: Store,
  text: string,
  o: { readonly subject?: Descriptor; readonly tags?: readonly string[] } = {},
): Promise<Descriptor> {
  return store.repository().session(async (session) => {
    const layer = await session.putBlob({ stream: new TextEncoder().encode(text), mediaType: "text/plain" });
    const titled = { ...layer, annotations: { "org.opencontainers.image.title": "note.txt" } };
    const { subject, tags = [] } = o;
    return session.putManifest(packManifest({ artifactType: NOTE, layers: [titled], ...(subject && { subject }) }), {
      tags,
    });
  });
}

export const NOTE = "application/vnd.example.note";
