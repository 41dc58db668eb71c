import type { Digest } from "@ocistore/core";
import { names, text } from "./bytes.ts";
import type { World } from "./world.ts";

/** The digests that index.json leads to, found by a plain walk over the JSON: another way than the library's. */
export async function reachable({ disk, paths }: Pick<World, "disk" | "paths">): Promise<Set<string>> {
  const found = new Set<string>();
  const queue: { readonly digest: Digest; readonly mediaType: string }[] = [];
  const follow = (json: string) => {
    const { manifests = [], config, layers = [], subject } = JSON.parse(json);
    for (const each of [...manifests, config, ...layers, subject]) if (each) queue.push(each);
  };
  follow((await text(disk, paths.index))!);
  for (let next = 0; next < queue.length; next++) {
    const { digest, mediaType } = queue[next]!;
    if (found.has(digest)) continue;
    found.add(digest);
    if (/manifest|index/.test(mediaType)) follow((await text(disk, paths.blob(digest))) ?? "{}");
  }
  return found;
}

/** What is on the disk although nothing needs it, and what is needed and not there: nothing, if all is well. */
export async function leftOver(world: World): Promise<string[]> {
  const { disk, paths } = world;
  const list = async (directory: string) => ((await disk.lstat(directory)) ? names(disk, directory) : []);
  const stored = new Set((await list(paths.algorithm("sha256"))).map((name) => `sha256:${name}`));
  const wanted = await reachable(world);
  return [
    ...[...stored].filter((digest) => !wanted.has(digest)).map((digest) => `garbage: ${digest}`),
    ...[...wanted].filter((digest) => !stored.has(digest)).map((digest) => `missing: ${digest}`),
    ...(await list(paths.trash)).map((run) => `trash: ${run}`),
    ...(await list(paths.uploads)).map((id) => `upload: ${id}`),
    ...(await list(paths.sessions)).map((owner) => `session: ${owner}`),
  ];
}
