import { join } from "node:path";
import { type FileSystem, openLayoutParts } from "@ocistore/backend-fs";
import { type Finding, packIndex, packManifest, type Store } from "@ocistore/core";
import Database from "better-sqlite3";
import { type Database as Connection, type RebuiltCatalog, rebuildCatalog } from "../../src/index.ts";
import { bytes, fresh, openIndexed, push, rootsOf, tagsOf } from "./layouts.ts";

export const HOUR = 3_600_000;
export const catalogOf = (directory: string) => join(directory, ".ocistore/catalog.db");
export const fileOf = (directory: string, digest: string) => join(directory, "blobs", ...digest.split(":"));

export async function rebuilt(
  directory: string,
  o: { readonly fs?: FileSystem; readonly connect?: (path: string) => Connection } = {},
): Promise<RebuiltCatalog> {
  const { connect = (path) => new Database(path), fs } = o;
  return rebuildCatalog({ ...(await openLayoutParts(directory, { fs })), connect });
}

export async function findingsOf(store: Store): Promise<Finding[]> {
  const findings: Finding[] = [];
  for await (const finding of store.check()) findings.push(finding);
  return findings;
}

/** A store with all that a catalog can hold; closed. */
export async function full() {
  const { directory, store } = await fresh();
  const a = await push(store, "a");
  const lost = await push(store, "lost");
  const { index, signature, child } = await store.repository().session(async (session) => {
    const layer = await session.putBlob({ stream: bytes("of a child") });
    const child = await session.putManifest(packManifest({ artifactType: "test/child", layers: [layer] }));
    const index = await session.putManifest(packIndex({ manifests: [child] }), { tags: ["many", "again"] });
    const signature = await session.putManifest(packManifest({ artifactType: "test/signature", subject: index }));
    return { index, signature, child };
  });
  await store.repository().pin(a.layer.digest, "held");
  await store.setPolicy({ grace: 2 * HOUR, window: HOUR, wait: 0 });
  const { run } = await store.repository().delete("lost", { window: 24 * HOUR });
  const session = store.repository().openSession("somebody");
  const claimed = await session.putBlob({ stream: bytes("claimed") });
  await store.close();
  return { directory, a, lost, index, signature, child, run, claimed };
}

/** What is known there, to whoever asks. */
export async function known(directory: string) {
  const { store, reports } = await openIndexed(directory);
  const runs = [];
  for await (const run of store.trash()) runs.push(run);
  const found = {
    tags: await tagsOf(store),
    roots: await rootsOf(store),
    policy: await store.policy(),
    runs,
    reports,
    findings: await findingsOf(store),
  };
  await store.close();
  return found;
}
