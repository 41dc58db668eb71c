import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Plan, packManifest, type Store } from "@ocistore/core";
import { lose } from "./listing.ts";
import { liveOf, rootsOf } from "./oracle.ts";
import type { Expected } from "./removal.ts";
import type { World } from "./world.ts";
import * as model from "./world.ts";

/** Longer than any script waits between a removal and its undoing. */
const WINDOW = 10 * 60 * 60_000;

/** What is done between a removal and its undoing, and has nothing to do with it. */
export interface Between {
  readonly minutes: number;
  /** An image is pushed that names this blob, if that is live in any case. */
  readonly blob: number;
}

/**
 * Applies a plan with a window, does something else, and undoes it. What there is to see is then as it was; but what came
 * back begins its grace anew.
 */
export async function applyAndUndo(
  { store, world, wait }: { store: Store; world: World; wait: (minutes: number) => void },
  plan: Plan,
  expected: Expected,
  between: Between,
): Promise<void> {
  const { id } = plan.header;
  const receipt = await store.apply({ ...plan, header: { ...plan.header, hold: WINDOW } });
  deepStrictEqual([receipt.condemned, receipt.removed, receipt.skipped], [plan.items.length, 0, 0]);
  for (const { from } of expected.untags) lose(world, from);
  for (const digest of expected.removes) {
    model.touch(world, digest);
    world.lost.delete(digest);
  }

  const stranger = await pushStranger(store, world, between.blob);
  wait(between.minutes);
  await store.parts.catalog.purge(async () => [], { due: world.now, limit: 1000 });

  const isKnown = (await runsOf(store)).includes(id);
  if (!isKnown) ok(plan.items.length === 0, "what was condemned can be undone");
  else {
    const undone = await store.undo(id);
    deepStrictEqual(undone.left, []);
    for (const { digest } of undone.manifests) lose(world, digest);
    for (const digest of undone.content) model.touch(world, digest);
    strictEqual((await runsOf(store)).includes(id), false);
  }
  await stranger?.remove();
}

async function runsOf(store: Store): Promise<string[]> {
  const runs: string[] = [];
  for await (const { run } of store.trash()) runs.push(run);
  return runs;
}

/** Somebody else's image. It shares a blob with the script's, and what is in the trash may come back for it alone. */
async function pushStranger(
  store: Store,
  world: World,
  number: number,
): Promise<{ remove(): Promise<void> } | undefined> {
  const repository = [...world.repositories.keys()][0]!;
  // Of claims and pins nobody knows how long they last.
  const lasting = rootsOf(world).filter(({ why }) => why === "tag" || why === "own");
  const live = liveOf(world, lasting).bytes;
  // The world knows nothing of the removal, so what that takes is among these.
  const shared = world.documents.blobs.filter(({ digest }) => live.has(digest) && world.bytes.has(digest));
  const blob = shared[number % Math.max(shared.length, 1)];
  if (!blob) return undefined;
  await store.repository(repository).session(async (session) => {
    const layer = await session.putBlob(blob.bytes);
    await session.putManifest(packManifest({ artifactType: "application/vnd.example.stranger", layers: [layer] }), {
      tags: ["stranger"],
    });
  });
  model.touch(world, blob.digest);
  return {
    async remove() {
      await store.repository(repository).delete("stranger", { window: 0 });
    },
  };
}
