import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface Entry {
  readonly digest: string;
  readonly annotations?: Record<string, string>;
}

export const NAME = "org.opencontainers.image.ref.name";

/** index.json as another tool reads it. */
export async function readIndex(directory: string): Promise<{ manifests: Entry[] }> {
  return JSON.parse(await readFile(join(directory, "index.json"), "utf8"));
}

/** Changes it as another tool does, which honours no lock. */
export async function rewrite(directory: string, change: (entries: Entry[]) => Entry[]): Promise<void> {
  const index = await readIndex(directory);
  await writeFile(join(directory, "index.json"), JSON.stringify({ ...index, manifests: change(index.manifests) }));
}

export const shownIn = async (directory: string) =>
  (await readIndex(directory)).manifests.map(({ digest, annotations }) => [digest, annotations?.[NAME]]);

export const named = (name: string) => (entry: Entry) => entry.annotations?.[NAME] === name;
