import { openLayout } from "@ocistore/backend-fs";
import { type Digest, openStore, packManifest, type Store, systemEnvironment } from "@ocistore/core";
import type { Database } from "../../src/database.ts";
import { sqliteCatalog } from "../../src/open.ts";

const REPOSITORY = "r";

/** Bytes of a layout, and a catalog in SQLite beside them. */
export async function storeAt(directory: string, connect: (file: string) => Database, ahead = 0): Promise<Store> {
  const env = { ...systemEnvironment, now: () => systemEnvironment.now() + ahead };
  const { blobs } = (await openLayout(`${directory}/layout`, { create: true, env })).parts;
  const catalog = await sqliteCatalog({ connect: () => connect(`${directory}/catalog.db`), blobs, env });
  return openStore({ blobs, catalog, env });
}

/** An image of its own layer and one that all share. */
export async function pushImage(store: Store, name: string): Promise<void> {
  await store.repository(REPOSITORY).session(async (session) => {
    const texts = ["shared by all", `layer of ${name}`];
    const layers = [];
    for (const text of texts) layers.push(await session.putBlob(new TextEncoder().encode(text)));
    await session.putManifest(packManifest({ artifactType: `test/${name}`, layers }), { tags: [name] });
  });
}

export async function tagsOf(store: Store): Promise<Map<string, Digest>> {
  const tags = new Map<string, Digest>();
  for await (const { name, digest } of store.repository(REPOSITORY).tags()) tags.set(name, digest);
  return tags;
}

export const repositoryOf = (store: Store) => store.repository(REPOSITORY);

/** What a process does that is killed; each step is acknowledged. */
export const steps: Readonly<Record<string, readonly ((store: Store) => Promise<unknown>)[]>> = {
  "a push, and a tag that goes": [(store) => pushImage(store, "new"), (store) => repositoryOf(store).untag("v2")],
  "a collection": [(store) => store.collect({ grace: 0 })],
};
