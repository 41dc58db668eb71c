import { join } from "node:path";
import { expect, test } from "vitest";
import { Directories } from "../../src/files/durable.ts";
import { Paths } from "../../src/layout/paths.ts";
import { Aside } from "../../src/repair/aside.ts";
import { names, put, text } from "../support/bytes.ts";
import { faultyFileSystem } from "../support/faulty-file-system.ts";
import { memoryPlace } from "../support/file-systems.ts";

/** A file in a directory of its own, so that nothing else syncs that. */
async function place() {
  const { fs, directory } = await memoryPlace();
  const faulty = faultyFileSystem(fs);
  const paths = new Paths(directory);
  await fs.mkdir(paths.blobs);
  const path = join(paths.blobs, "file");
  await put(fs, path, "damaged");
  const aside = new Aside(faulty, paths, new Directories(faulty));
  const failingSync = (at: string) =>
    faulty.arm({ at: (c) => c.name === "syncDirectory" && c.path === at, code: "EIO" });
  return { fs, paths, path, aside, failingSync };
}

test("what is set aside keeps its first name for as long as the second is not durable", async () => {
  const { fs, paths, path, aside, failingSync } = await place();
  failingSync(paths.damaged);
  await expect(aside.move(path, "file")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(await text(fs, path)).toBe("damaged");
  // Whoever tries again finds the second name, and is not told that it lasts before it does.
  failingSync(paths.damaged);
  await expect(aside.move(path, "file")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(await text(fs, path)).toBe("damaged");
  expect(await aside.move(path, "file")).toBe(join(paths.damaged, "file.1"));
  expect(await names(fs, paths.blobs)).toEqual([]);
  expect(await text(fs, join(paths.damaged, "file.1"))).toBe("damaged");
});

test("it is not said to be set aside before that is durable", async () => {
  const { paths, path, aside, failingSync } = await place();
  failingSync(paths.blobs);
  await expect(aside.move(path, "file")).rejects.toMatchObject({ code: "UNAVAILABLE" });
});
