import { expect, test } from "vitest";
import { openLayout } from "../../src/index.ts";
import { bytes } from "../support/bytes.ts";
import { putImage, tagsOf } from "../support/content.ts";
import { type Call, faultyFileSystem } from "../support/faulty-file-system.ts";
import { memoryPlace } from "../support/file-systems.ts";

const isSpent = ({ name, path }: Call) => name === "unlink" && path.endsWith("/lock/reserve");

/** A layout on a disk that has no block left but for what its reserve holds. */
async function full() {
  const { fs, directory } = await memoryPlace();
  const faulty = faultyFileSystem(fs);
  const store = await openLayout(directory, { fs: faulty, create: true });
  const repository = store.repository();
  await repository.session((session) => putImage(session, "app", { tag: "app" }));
  faulty.arm({
    at: ({ name }) => name === "write" && !faulty.calls.some(isSpent),
    code: "ENOSPC",
    always: true,
  });
  return { repository, faulty };
}

test("what deletes from a full disk spends the space that is kept for it", async () => {
  const { repository, faulty } = await full();
  await repository.delete("app");
  expect(await tagsOf(repository)).toEqual({});
  expect(faulty.hits).toBeGreaterThan(0);
});

test("what pushes to a full disk leaves it alone", async () => {
  const { repository, faulty } = await full();
  // Its end gives something back, and may.
  const session = repository.openSession("s");
  await expect(session.putBlob(bytes("one more"))).rejects.toMatchObject({ code: "NO_SPACE" });
  expect(faulty.calls.some(isSpent)).toBe(false);
});
