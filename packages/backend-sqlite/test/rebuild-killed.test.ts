import { cpSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeFileSystem } from "@ocistore/backend-fs";
import { isOciStoreError } from "@ocistore/core";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { openIndexed } from "./support/layouts.ts";
import { temporary, watched } from "./support/place.ts";
import { catalogOf, fileOf, full, known, rebuilt } from "./support/rebuilding.ts";

/** Of the statements one of so many kinds; `OCISTORE_CRASH=all` takes every statement. Calls that change files are few: all of them are taken. */
const EVERY = process.env.OCISTORE_CRASH === "all";
const STEP = 5;
const CHANGING: readonly unknown[] = ["link", "mkdir", "rename", "rmdir", "syncDirectory", "unlink"];

/** The files as a kill leaves them: of a database all but the memory that its processes share, and no lock of somebody alive. */
function imageOf(directory: string): string {
  const image = join(temporary(), "killed");
  cpSync(directory, image, { recursive: true });
  for (const name of ["catalog.db-shm", "catalog.db.new-shm", "lock"]) {
    rmSync(join(image, ".ocistore", name), { force: true, recursive: true });
  }
  return image;
}

/** What a kill leaves before each file call, and before each statement; of what comes to nothing too. */
async function killedAt(directory: string): Promise<Map<string, string>> {
  const images = new Map<string, string>();
  let calls = 0;
  const fs = new Proxy(nodeFileSystem(), {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name, target);
      if (typeof method !== "function") return method;
      return (...args: unknown[]) => {
        if (CHANGING.includes(name)) images.set(`${++calls} ${String(name)}`, imageOf(directory));
        return method.apply(target, args);
      };
    },
  });
  let statements = 0;
  const kinds = new Set<string>();
  const connect = (path: string) =>
    watched(new Database(path), (sql) => {
      const isTaken = EVERY || (!kinds.has(sql) && kinds.size % STEP === 0);
      kinds.add(sql);
      if (isTaken) images.set(`${++statements} ${sql}`, imageOf(directory));
    });
  await rebuilt(directory, { fs, connect });
  images.set("the end", imageOf(directory));
  return images;
}

test("killed at any step, nobody collects by a catalog that was about to go, and the same again makes all of it whole", async () => {
  const { directory, a, child } = await full();
  const { reports: _, ...before } = await known(directory);
  const images = await killedAt(directory);
  const opened = new Map<string, number>();
  for (const [at, image] of images) {
    // Either it is one of the two, whole, or nobody opens it.
    const outcome = await openIndexed(image).then(
      async ({ store }) => {
        await store.close();
        const { reports, ...now } = await known(image);
        expect({ at, ...now }).toEqual({ at, ...before });
        return "whole";
      },
      (error: unknown) => {
        expect({ at, isRefused: isOciStoreError(error, "CORRUPT") }).toEqual({ at, isRefused: true });
        return "refused";
      },
    );
    opened.set(outcome, (opened.get(outcome) ?? 0) + 1);
    await rebuilt(image);
    const { reports, ...now } = await known(image);
    expect({ at, ...now }).toEqual({ at, ...before });
    for (const { digest } of [a.layer, child]) expect(existsSync(fileOf(image, digest))).toBe(true);
  }
  expect(Math.min(opened.get("whole") ?? 0, opened.get("refused") ?? 0)).toBeGreaterThan(1);
});

test("the same of one that is no database any more: until it is done nobody opens it", async () => {
  const { directory } = await full();
  const { tags } = await known(directory);
  writeFileSync(catalogOf(directory), "no database");
  for (const [at, image] of await killedAt(directory)) {
    const code = await openIndexed(image).then(
      ({ store }) => store.close(),
      (error: unknown) => (isOciStoreError(error, "CORRUPT") ? "refused" : error),
    );
    if (code !== undefined) expect({ at, code }).toEqual({ at, code: "refused" });
    await rebuilt(image);
    const now = await known(image);
    expect({ at, tags: now.tags, findings: now.findings }).toEqual({ at, tags, findings: [] });
  }
});
