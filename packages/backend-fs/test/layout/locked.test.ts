import { OciStoreError } from "@ocistore/core";
import { expect, test } from "vitest";
import { openLayout } from "../../src/index.ts";
import { bytes } from "../support/bytes.ts";
import { memoryPlace } from "../support/file-systems.ts";

test("who does not get the lock replaces no copy, however damaged", async () => {
  const { fs, directory } = await memoryPlace();
  const store = await openLayout(directory, { fs, create: true });
  const { digest, size } = await store.repository().session((session) => session.putBlob(bytes("a blob")));
  const taken = new OciStoreError("LOCKED", "somebody has it");
  const other = await openLayout(directory, { fs, lock: { acquire: () => Promise.reject(taken) } });
  const replacing = other.parts.catalog.replaceCopy(
    { digest, size, generation: "" },
    { confirm: async () => true, erase: async () => [] },
  );
  await expect(replacing).rejects.toBe(taken);
});
