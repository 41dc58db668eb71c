import type { Digest, Store } from "@ocistore/core";
import { at, rootsOf } from "./oracle.ts";
import type { World } from "./world.ts";

/** What there is to see of a store, or of a world; equal where the two are. */
export interface Sight {
  readonly tags: readonly string[];
  readonly manifests: readonly string[];
  readonly blobs: readonly string[];
  readonly roots: readonly string[];
}

export async function sightOf(store: Store, world: World): Promise<Sight> {
  const tags: string[] = [];
  const manifests: string[] = [];
  for (const name of world.repositories.keys()) {
    const repository = store.repository(name);
    for await (const tag of repository.tags()) tags.push(`${name} ${tag.name} ${tag.digest}`);
    for (const { digest } of world.documents.manifests) {
      if (await repository.find(digest)) manifests.push(at(name, digest));
    }
  }
  const blobs: string[] = [];
  for await (const { digest } of store.parts.blobs.list()) blobs.push(digest);
  const roots: string[] = [];
  for await (const { repository, digest, why, name } of store.roots())
    roots.push(rootText(repository!, digest, why, name));
  return { tags: tags.sort(), manifests: manifests.sort(), blobs: blobs.sort(), roots: roots.sort() };
}

export function sightOfWorld(world: World): Sight {
  const { repositories, documents, abilities, bytes } = world;
  const tags = [...repositories].flatMap(([name, { tags }]) => [...tags].map(([tag, to]) => `${name} ${tag} ${to}`));
  const manifests = [...repositories].flatMap(([name, { members }]) =>
    documents.manifests
      .filter(({ digest }) => (abilities.explicit ? members.has(digest) : bytes.has(digest)))
      .map(({ digest }) => at(name, digest)),
  );
  const roots = rootsOf(world).map(({ repository, digest, why, name }) => rootText(repository, digest, why, name));
  return { tags: tags.sort(), manifests: manifests.sort(), blobs: [...bytes.keys()].sort(), roots: roots.sort() };
}

function rootText(repository: string, digest: Digest, why: string, name: string | undefined): string {
  return [repository, digest, why, ...(name === undefined ? [] : [name])].join(" ");
}

/**
 * What a tag, a pin or the own mark needs and is not there: must be nothing, whatever was done. A claim may be on a
 * manifest that lacks something, which somebody is just about to push; and a subject may be missing, in whole or in part.
 */
export function lostContent(world: World, { manifests, blobs }: Sight): string[] {
  const lost: string[] = [];
  const seen = new Set<string>();
  const need = (repository: string, digest: Digest, isManifest: boolean, by: string) => {
    if (seen.has(`${isManifest} ${at(repository, digest)}`)) return;
    seen.add(`${isManifest} ${at(repository, digest)}`);
    const isThere = isManifest ? manifests.includes(at(repository, digest)) : blobs.includes(digest);
    if (!isThere) lost.push(`${digest}, needed by ${by} in ${repository}`);
    if (!isManifest) return;
    const document = world.documents.byDigest.get(digest)!;
    const absent = world.repositories.get(repository)!.members.get(digest)?.absent;
    for (const blob of document.blobs) need(repository, blob, false, digest);
    for (const child of document.children) if (!absent?.has(child)) need(repository, child, true, digest);
  };
  for (const { repository, digest, why, name } of rootsOf(world)) {
    if (why === "claim") continue;
    const isManifest = world.repositories.get(repository)!.members.has(digest) || why === "tag";
    need(repository, digest, isManifest, `${why} ${name}`);
  }
  return lost;
}
