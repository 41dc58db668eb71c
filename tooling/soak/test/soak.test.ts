import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { soak } from "../src/soak.ts";

// The processes run what is built, as in a longer soak: the root's `pnpm test` builds that first.

const SECONDS = Number(process.env.OCISTORE_SOAK_SECONDS ?? 120);
const SEED = Number(process.env.OCISTORE_SOAK_SEED ?? 1);
const MINUTE = 60_000;

async function soaked({ foreign = false, catalog = false }, least: Readonly<Record<string, number>>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "ocistore-soak-"));
  const seconds = foreign ? SECONDS / 2 : SECONDS;
  const { findings, counts } = await soak({ directory, seconds, seed: SEED, foreign, catalog, least });
  // What has been found is looked into where it lies.
  expect(findings, directory).toEqual([]);
  for (const [what, count] of Object.entries(least)) expect(counts[what] ?? 0, what).toBeGreaterThanOrEqual(count);
  await rm(directory, { recursive: true });
}

// Two at once: they are less work than they take time, and what else is tested goes first.

test.concurrent(
  "four processes push, tag, delete, undo and collect, and are killed at random: nothing acknowledged is lost, no garbage stays",
  () =>
    soaked(
      {},
      {
        "push image: done": 10,
        "push index: done": 5,
        "push referrer: done": 3,
        "push and keep: done": 2,
        "tag: done": 2,
        "untag: done": 2,
        "delete: done": 5,
        "delete: digests": 10,
        "undo: done": 2,
        "collect: done": 2,
        "collect at once: done": 2,
        "collect at once: digests": 10,
        "read: whole": 50,
        "plain read: whole": 50,
        kills: 15,
      },
    ),
  SECONDS * 1000 + 8 * MINUTE,
);

test.concurrent(
  "beside skopeo every tag of index.json has its content, and what it drops is there for the grace",
  () =>
    soaked(
      { foreign: true },
      {
        "skopeo copy: done": 20,
        "push image: done": 3,
        "push and keep: done": 1,
        "delete: done": 1,
        "collect: done": 2,
        // How often skopeo writes back an index.json without a tag of ours is chance: not at all, in some runs.
        "read: whole": 20,
        kills: 3,
      },
    ),
  SECONDS * 1000 + 8 * MINUTE,
);

// By itself: with seven more processes skopeo gets slower than anything waits for it.
test(
  "three processes push beside one that deletes and two that collect a catalog, killed at random: what is acknowledged or told stored is there, no garbage stays, index.json is what the catalog says",
  () =>
    soaked(
      { catalog: true },
      {
        "push image: done": 20,
        "push index: done": 10,
        "push referrer: done": 5,
        "push and keep: done": 5,
        "tag: done": 5,
        "untag: done": 5,
        "delete: done": 10,
        "delete: digests": 20,
        "undo: done": 5,
        "collect: done": 10,
        "collect at once: done": 10,
        "collect at once: digests": 20,
        "read: whole": 50,
        "plain read: whole": 50,
        kills: 15,
      },
    ),
  SECONDS * 1000 + 8 * MINUTE,
);
