import { describe, expect, test } from "vitest";
import {
  copy,
  type Digest,
  isOciStoreError,
  OciStoreError,
  openMemory,
  type WritableRepository,
} from "../../src/index.ts";
import { but, findings, furnish, pair, stored } from "./support.ts";

// What the tests of oras-go fix of its copies, and no other test here shows. docs/parity.md has them all.

describe("MOUNT FROM", () => {
  /** Two repositories of one store, and a destination whose mounts are what `look` says. */
  async function mounting(look: () => Promise<ReadonlySet<Digest>>) {
    const store = await openMemory();
    const [from, to] = [store.repository("one"), store.repository("two")];
    const fixture = await furnish(from);
    const watched = but<WritableRepository>(to, {
      session: (work, o) =>
        to.session(
          (session) =>
            work({
              has: (digests, options) => (options?.from === undefined ? session.has(digests, options) : look()),
              putBlob: (...args) => session.putBlob(...args),
              putManifest: (...args) => session.putManifest(...args),
            }),
          o,
        ),
    });
    return { ...fixture, from, to: watched, store };
  }

  test("a mount that finds nothing is a copy", async () => {
    const { from, to, store, v1 } = await mounting(async () => new Set());
    const { blobs } = await copy(from, to, "v1");
    expect(blobs).toMatchObject({ copied: { count: 9 }, mounted: { count: 0 } });
    expect((await to.find("v1"))?.digest).toBe(v1.digest);
    expect(await findings(store)).toEqual([]);
  });

  test("a mount that fails is a failure of the destination", async () => {
    const { from, to } = await mounting(async () => {
      throw new OciStoreError("UNAVAILABLE", "nobody answers");
    });
    await expect(copy(from, to, "v1")).rejects.toMatchObject({
      code: "UNAVAILABLE",
      data: { side: "destination", op: "look" },
    });
    expect(await to.find("v1")).toBeUndefined();
  });
});

test("METADATA TOO LARGE: a manifest of more than 4 MiB is not read, and nothing is copied", async () => {
  const { from, to, target } = await pair();
  const { v1 } = await furnish(from);
  let isRead = false;
  const large = but(from, {
    resolve: async () => ({ ...v1, size: 4 * 1024 * 1024 + 1 }),
    bytes: async (...args) => {
      isRead = true;
      return from.bytes(...args);
    },
  });
  const error = await copy(large, to, "v1").catch((reason: unknown) => reason);
  expect(isOciStoreError(error, "MANIFEST_TOO_LARGE"), String(error)).toBe(true);
  expect(isRead).toBe(false);
  expect(await stored(target)).toEqual(new Set());
});
