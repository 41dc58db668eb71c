import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { type Descriptor, packManifest, type Repository, type Store } from "@ocistore/core";
import { expect, test } from "vitest";
import { openLayout } from "../../src/index.ts";
import { bytes } from "../support/bytes.ts";
import { temporaryDirectory } from "../support/foreign-layout.ts";

/** A layout of one manifest that nobody understands, which mentions a payload; both are old. */
async function layoutOfUnknown(also?: (repository: Repository, manifest: Descriptor) => Promise<unknown>) {
  const directory = join(await temporaryDirectory(), "layout");
  const path = ({ digest }: Descriptor) => join(directory, "blobs", ...digest.split(":"));
  // No store object may know the manifest from before: what it mentions has to be found each time.
  async function anew<T>(work: (store: Store, repository: Repository) => Promise<T>): Promise<T> {
    const store = await openLayout(directory, { create: true });
    try {
      return await work(store, store.repository());
    } finally {
      await store.close();
    }
  }
  const { payload, manifest } = await anew((_, repository) =>
    repository.session(async (session) => {
      const payload = await session.putBlob(bytes("the payload"));
      const json = bytes(JSON.stringify({ things: [payload.digest] }));
      const mediaType = "application/vnd.unknown+json";
      return { payload, manifest: await session.putManifest({ bytes: json, mediaType }, { tags: ["v1"] }) };
    }),
  );
  await anew(async (_, repository) => also?.(repository, manifest));
  const then = new Date("2001-09-09");
  for (const old of [payload, manifest]) await utimes(path(old), then, then);
  const isLeft = (which: Descriptor) =>
    anew(async (store) => (await store.parts.catalog.locate("", which.digest)) !== undefined);
  return { anew, payload, manifest, isLeft };
}

const collected = (store: Store) => store.collect({ grace: 0 });

test("pinned, when its tag has gone", async () => {
  const { anew, payload, manifest, isLeft } = await layoutOfUnknown((repository) => repository.pin("v1", "p"));
  await anew((_, repository) => repository.untag("v1"));
  expect(await anew(collected)).toMatchObject({ removed: 0, condemned: 0 });
  expect([await isLeft(manifest), await isLeft(payload)]).toEqual([true, true]);
  await anew((_, repository) => repository.unpin("p"));
  expect(await anew(collected)).toMatchObject({ removed: 2 });
});

test.each(["untagged", "deleted"])("the subject of a tagged signature, when it was %s itself", async (how) => {
  const { anew, payload, manifest, isLeft } = await layoutOfUnknown((repository, subject) =>
    repository.session((session) =>
      session.putManifest(packManifest({ artifactType: "application/vnd.sig", layers: [], subject }), {
        tags: ["sig"],
      }),
    ),
  );
  await anew(
    async (_, repository) => void (await (how === "deleted" ? repository.delete("v1") : repository.untag("v1"))),
  );
  expect(await anew(collected)).toMatchObject({ removed: 0, condemned: 0 });
  expect([await isLeft(manifest), await isLeft(payload)]).toEqual([true, true]);
  await anew((_, repository) => repository.delete("sig"));
  await anew(collected);
  expect([await isLeft(manifest), await isLeft(payload)]).toEqual([false, false]);
});

test("claimed by an open session", async () => {
  const { anew, payload, manifest, isLeft } = await layoutOfUnknown();
  await anew(async (_, repository) => {
    const session = repository.openSession("open");
    expect(await session.has([manifest.digest])).toEqual(new Set([manifest.digest]));
  });
  await anew((_, repository) => repository.untag("v1"));
  expect(await anew(collected)).toMatchObject({ removed: 0, condemned: 0 });
  expect([await isLeft(manifest), await isLeft(payload)]).toEqual([true, true]);
  await anew((_, repository) => repository.openSession("open").end());
  expect(await anew(collected)).toMatchObject({ removed: 2 });
});

test("within its grace, as soon as its tag has gone", async () => {
  const { anew, payload, manifest, isLeft } = await layoutOfUnknown();
  await anew((_, repository) => repository.untag("v1"));
  const { removed, kept } = await anew((store) => store.collect());
  expect(removed).toBe(0);
  expect(kept.map(({ because }) => because)).toEqual(["grace", "grace"]);
  expect([await isLeft(manifest), await isLeft(payload)]).toEqual([true, true]);
  expect(await anew(collected)).toMatchObject({ removed: 2 });
});
