import { join } from "node:path";
import { seeded } from "@ocistore/backend-suite";
import { type Environment, type Store, systemEnvironment } from "@ocistore/core";
import { expect, test } from "vitest";
import { nodeFileSystem } from "../../src/files/node-file-system.ts";
import { openLayout } from "../../src/index.ts";
import { Paths } from "../../src/layout/paths.ts";
import { names } from "../support/bytes.ts";
import { errorsOf, putImage, tagsOf } from "../support/content.ts";
import { realPlace } from "../support/file-systems.ts";
import { reachable } from "../support/left-over.ts";
import { storeProcesses } from "../support/store-processes.ts";

const start = storeProcesses();
const HOUR = 60 * 60_000;

/** The same store some hours later, when no claim and no lease holds any more. */
function later(directory: string): Promise<Store> {
  const env: Environment = { ...systemEnvironment, now: () => systemEnvironment.now() + 3 * HOUR };
  return openLayout(directory, { env });
}

/** The last word: everything acknowledged is there and whole, and nothing is left that nobody needs. */
async function settle(directory: string, acknowledged: readonly string[]): Promise<void> {
  const disk = nodeFileSystem();
  const paths = new Paths(directory);
  const started = systemEnvironment.now();
  const store = await later(directory);
  const tags = await tagsOf(store.repository());
  expect(Object.keys(tags)).toEqual(expect.arrayContaining([...acknowledged]));
  expect(await errorsOf(store)).toEqual([]);
  await store.repository().session((session) => putImage(session, "last", { tag: "last" }));
  await store.collect({ grace: 0 });
  // The dead hold nothing up: neither the lock nor the lease.
  expect(systemEnvironment.now() - started).toBeLessThan(15_000);
  expect(await errorsOf(store)).toEqual([]);
  await store.close();

  const blobs = (await names(disk, paths.algorithm("sha256"))).map((name) => `sha256:${name}`);
  expect(new Set(blobs)).toEqual(await reachable({ disk, paths }));
  for (const directory of [paths.trash, paths.uploads, paths.sessions]) {
    const left = (await disk.lstat(directory)) ? await names(disk, directory) : [];
    // The record of what the pushers untagged stays for an hour; nothing lies beside it.
    expect(left).toEqual([]);
  }
}

const isTag = (line: string) => /^\w-\d+$/.test(line) && !line.endsWith("7");

test("R10, R11: four processes tag one layout at once, and a fifth one reads it all the while", async () => {
  const directory = join((await realPlace()).directory, "layout");
  const store = await openLayout(directory, { create: true });
  const { digest } = await store.repository().session((session) => putImage(session, "first", { tag: "first" }));
  const watcher = start({ directory, do: "watch" });
  await watcher.saying(2);
  const namesOf = (prefix: string) => Array.from({ length: 50 }, (_, at) => `${prefix}-${at}`);
  const taggers = ["a", "b", "c", "d"].map((prefix) =>
    start({ directory, do: "tag", to: digest, names: namesOf(prefix) }),
  );
  expect(await Promise.all(taggers.map(({ ended }) => ended))).toEqual([0, 0, 0, 0]);
  watcher.stop();
  // It would have failed at the first index.json that was not whole.
  expect(await watcher.ended).toBe(0);
  const counts = watcher.said.slice(1).map(Number);
  expect(counts).toEqual([...counts].sort((a, b) => a - b));
  expect(Object.keys(await tagsOf(store.repository()))).toEqual(
    ["first", ...["a", "b", "c", "d"].flatMap(namesOf)].sort(),
  );
  await store.close();
});

test("four processes begin with an empty directory, and push while a fifth collects with grace 0", async () => {
  const directory = join((await realPlace()).directory, "layout");
  const pushers = ["a", "b", "c", "d"].map((prefix) => start({ directory, do: "push", prefix, count: 12 }));
  await pushers[0]!.saying(1);
  const collector = start({ directory, do: "collect" });
  expect(await Promise.all(pushers.map(({ ended }) => ended))).toEqual([0, 0, 0, 0]);
  collector.stop();
  expect(await collector.ended).toBe(0);
  expect(collector.said.length).toBeGreaterThan(3);
  const acknowledged = pushers.flatMap(({ said }) => said).filter(isTag);
  expect(acknowledged.length).toBe(44);
  await settle(directory, acknowledged);
});

test.each([1, 2, 3])("workers are killed at any moment, and the others go on (seed %d)", async (seed) => {
  const random = seeded(seed);
  const directory = join((await realPlace()).directory, "layout");
  // Those that are to be killed have more to do than there is time for.
  const workers = ["a", "b", "c", "d"].map((prefix, at) =>
    start({ directory, do: "push", prefix, count: at === 1 || at === 2 ? 10_000 : 10 }),
  );
  await workers[0]!.saying(2);
  const collector = start({ directory, do: "collect" });
  for (const victim of [workers[1]!, workers[2]!, collector]) {
    await workers[0]!.saying(workers[0]!.said.length + 1);
    await systemEnvironment.sleep(random() * 60);
    victim.kill();
  }
  expect(await workers[0]!.ended).toBe(0);
  expect(await workers[3]!.ended).toBe(0);
  expect(await workers[1]!.ended).toBe("SIGKILL");
  await collector.ended;
  await settle(directory, workers.flatMap(({ said }) => said).filter(isTag));
});
