import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openLayout } from "@ocistore/backend-fs";
import { expect, onTestFinished, test } from "vitest";
import { image, referrer } from "../src/content.ts";
import { debrisIn, entriesIn, tagsOf, walk } from "../src/layout.ts";

async function layout(): Promise<{ readonly directory: string; readonly digests: readonly string[] }> {
  const directory = await mkdtemp(join(tmpdir(), "ocistore-soak-test-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const store = await openLayout(directory, { create: true });
  const pushed = image(1);
  const signature = referrer(1, pushed.packed.descriptor);
  await store.repository().session(async (session) => {
    for (const { bytes, descriptor } of [...pushed.blobs, ...signature.blobs]) {
      await session.putBlob({ ...descriptor, stream: bytes });
    }
    await session.putManifest(pushed.packed, { tags: ["app"] });
    await session.putManifest(signature.packed);
  });
  await store.close();
  const digests = [pushed, signature].flatMap(({ blobs, packed }) => [
    packed.descriptor.digest,
    ...[...blobs, ...packed.blobs].map(({ descriptor }) => descriptor.digest),
  ]);
  return { directory, digests };
}

test("the second reader finds what was pushed, sees what is missing, and what has other bytes", async () => {
  const { directory, digests } = await layout();
  const entries = await entriesIn(directory);
  expect([...tagsOf(entries).keys()]).toEqual(["app"]);
  expect(await walk(directory, entries)).toEqual({ found: new Set(digests), missing: new Set(), wrong: new Set() });
  const file = (digest: string) => join(directory, "blobs", digest.replace(":", "/"));
  await rm(file(digests[1]!));
  await writeFile(file(digests[2]!), "other bytes");
  expect(await walk(directory, entries)).toMatchObject({
    missing: new Set([digests[1]]),
    wrong: new Set([digests[2]]),
  });
});

test("what is left over is named, and what has to stay is not", async () => {
  const { directory } = await layout();
  expect(await debrisIn(directory)).toEqual([]);
  const lock = (await readdir(join(directory, ".ocistore/lock")))
    .filter((name) => /^\d+$/.test(name))
    .sort()
    .at(-1);
  const files = ["index.json.new", "trash/run/run.json", "uploads/one", "sessions/worker-1", `lock/${lock}`];
  for (const name of files) {
    await mkdir(dirname(join(directory, ".ocistore", name)), { recursive: true });
    await writeFile(join(directory, ".ocistore", name), "held");
  }
  expect((await debrisIn(directory)).sort()).toEqual(files.sort());
});
