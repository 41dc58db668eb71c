import { type FileHandle, lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { PullTarget } from "../src/pull-target.ts";
import { writeWhole } from "../src/write-whole.ts";
import { temporary, text } from "./harness.ts";

afterEach(() => vi.restoreAllMocks());

async function* content() {
  yield text("ours");
}

const identityOf = ({ dev, ino }: { dev: number; ino: number }) => `${dev}:${ino}`;

/** Notes what is synced, for real; fails for what `fails` says. */
async function watchSyncs(fails: "files" | "nothing" = "nothing"): Promise<{ has(path: string): Promise<boolean> }> {
  const handle = await open(await temporary(), "r");
  const prototype: FileHandle = Object.getPrototypeOf(handle);
  await handle.close();
  const synced: string[] = [];
  const { sync } = prototype;
  vi.spyOn(prototype, "sync").mockImplementation(async function (this: FileHandle) {
    const stat = await this.stat();
    if (fails === "files" && stat.isFile()) throw Object.assign(new Error("EIO"), { code: "EIO" });
    await sync.call(this);
    synced.push(identityOf(stat));
  });
  return { has: async (path) => synced.includes(identityOf(await lstat(path))) };
}

test("a file that is pulled and cannot be made durable gets no name", async () => {
  const out = await temporary();
  await watchSyncs("files");
  const target = new PullTarget(out, { overwrite: false });
  await expect(target.stage("a", content(), () => {})).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await target.discard();
  expect(await readdir(out)).toEqual([]);
});

test.each([false, true])(
  "what is pulled is durable with its name when it is done, with --overwrite %s",
  async (overwrite) => {
    const out = await temporary();
    const syncs = await watchSyncs();
    const target = new PullTarget(out, { overwrite });
    await target.stage("a", content(), () => {});
    await target.publish();
    expect(await syncs.has(join(out, "a"))).toBe(true);
    expect(await syncs.has(out)).toBe(true);
  },
);

test("so are the directories that were made for it", async () => {
  const base = await temporary();
  const syncs = await watchSyncs();
  const target = new PullTarget(join(base, "out"), { overwrite: false });
  await target.stage("sub/a", content(), () => {});
  await target.publish();
  for (const path of [base, join(base, "out"), join(base, "out/sub")]) expect(await syncs.has(path), path).toBe(true);
});

test("a file of a blob that cannot be made durable gets no name", async () => {
  const out = await temporary();
  await watchSyncs("files");
  await expect(writeWhole(join(out, "a"), content(), () => {})).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(await readdir(out)).toEqual([]);
});
