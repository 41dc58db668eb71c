import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Digest, Store } from "@ocistore/core";
import SQLite from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { callsOf, hasStrace, killedAt } from "../../../tooling/crash/src/kill/strace.ts";
import { compiled } from "../../backend-fs/test/support/compiled.ts";
import type { CrashTask } from "./support/crash-child.ts";
import { pushImage, repositoryOf, steps, storeAt, tagsOf } from "./support/crash-store.ts";

/** So many calls of each, evenly spread; all of them with OCISTORE_CRASH=all. */
const SAMPLE = process.env.OCISTORE_CRASH === "all" ? Number.POSITIVE_INFINITY : 5;
const HOUR = 60 * 60_000;
/** There are some hundred calls, and each is a process that is traced. */
const PATIENCE = HOUR;

/** The tags that may be found when so many steps have been acknowledged. */
const TAGS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  "a push, and a tag that goes": [
    ["v1", "v2"],
    ["new", "v1", "v2"],
    ["new", "v1"],
  ],
  "a collection": [
    ["v1", "v2"],
    ["v1", "v2"],
  ],
};

const connect = (file: string) => new SQLite(file);

/** Everything that the tags lead to. */
async function closure(store: Store): Promise<Set<Digest>> {
  const found = new Set<Digest>();
  for (const digest of (await tagsOf(store)).values()) {
    found.add(digest);
    const { config, layers } = JSON.parse(Buffer.from(await repositoryOf(store).bytes(digest)).toString());
    for (const each of [config, ...layers]) {
      found.add(each.digest);
      await repositoryOf(store).bytes(each.digest);
    }
  }
  return found;
}

async function mustBeSound(store: Store): Promise<void> {
  for await (const { level, code, message } of store.check())
    if (level === "error") throw new Error(`${code} ${message}`);
}

/** What was acknowledged is there, what was under way has happened or not, others do their work, and no garbage stays. */
async function survive(directory: string, scenario: string, acknowledged: number): Promise<void> {
  const store = await storeAt(directory, connect, 3 * HOUR);
  const found = [...(await tagsOf(store)).keys()];
  expect(TAGS[scenario]!.slice(acknowledged, acknowledged + 2)).toContainEqual(found);
  await mustBeSound(store);
  const before = await closure(store);
  await pushImage(store, "later");
  await repositoryOf(store).untag("later");
  for (let round = 0; round < 2; round++) await store.collect({ grace: 0 });
  // Bytes that had got their name and not yet their row are found by a mark of all that is listed.
  expect((await store.collect({ grace: 0, full: true })).missed).toEqual([]);
  expect([...(await tagsOf(store)).keys()]).toEqual(found);
  const left = new Set<Digest>();
  for await (const { digest } of store.parts.blobs.list()) left.add(digest);
  expect(left).toEqual(before);
  await mustBeSound(store);
  await store.close();
}

const strace = hasStrace();

// CI installs it (tooling/peers/install-peers.sh).
describe.skipIf(!strace)(
  `Q7: kill -9 before a system call${strace ? "" : " (left out: strace is not installed)"}`,
  () => {
    let base: string;
    let build: Awaited<ReturnType<typeof compiled>>;
    let made = 0;
    const place = (from: string) => {
      const to = join(base, String(++made));
      cpSync(from, to, { recursive: true, preserveTimestamps: true });
      return to;
    };
    const task = (scenario: string, directory: string): CrashTask => {
      const sqlite = pathToFileURL(createRequire(import.meta.url).resolve("better-sqlite3")).href;
      return { scenario, directory, ahead: HOUR, sqlite };
    };

    beforeAll(async () => {
      base = mkdtempSync(join(tmpdir(), "ocistore-sqlite-killed-"));
      build = await compiled([
        [join(import.meta.dirname, "../src"), "sqlite/src"],
        [join(import.meta.dirname, "support"), "sqlite/test/support"],
      ]);
      const store = await storeAt(join(base, "begin"), connect);
      for (const name of ["v1", "v2", "old"]) await pushImage(store, name);
      await repositoryOf(store).untag("old");
      await store.close();
    });
    afterAll(async () => {
      await build?.remove();
      rmSync(base, { recursive: true, force: true });
    });

    test.each(Object.keys(steps))("of %s", { timeout: PATIENCE }, async (scenario) => {
      const script = join(build.directory, "sqlite/test/support/crash-child.js");
      const whole = place(join(base, "begin"));
      const calls = await callsOf(script, task(scenario, whole), join(base, "trace"));
      await survive(whole, scenario, steps[scenario]!.length);
      const synced = calls.filter(({ text }) => /^f(data)?sync\(.*catalog\.db-wal/.test(text));
      // Every commit; without that the log would be synced when it is written into the database, and not before.
      expect(synced.length).toBeGreaterThan(3);

      const stride = Math.max(1, calls.length / SAMPLE);
      for (let at = stride / 2; at < calls.length; at += stride) {
        const call = calls[Math.floor(at)]!;
        const directory = place(join(base, "begin"));
        const { acknowledged, isKilled } = await killedAt(script, task(scenario, directory), call);
        expect(isKilled, call.text).toBe(true);
        await survive(directory, scenario, acknowledged).catch((error) => {
          throw new Error(`${acknowledged} steps acknowledged, killed before ${call.text}: ${error}`, { cause: error });
        });
      }
    });
  },
);
