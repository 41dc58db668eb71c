import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { openLayout } from "@ocistore/backend-fs";
import type { Chance } from "./chance.ts";
import { IMAGES, image, index } from "./content.ts";
import { clock, type Journal } from "./journal.ts";

const execute = promisify(execFile);

/** Debian's comes without a trust policy where recommended packages are left out. */
const skopeo = (...args: readonly string[]) =>
  execute("nice", ["-n", "10", "skopeo", "--insecure-policy", ...args], { timeout: 120_000 });

/** How many images it copies; the others come from our processes alone. */
const SOURCES = 10;

/** A layout to copy from: some images of the pool, and some indexes over such. */
export async function makeSource(directory: string): Promise<void> {
  const store = await openLayout(directory, { create: true });
  await store.repository().session(async (session) => {
    for (let n = 0; n < SOURCES; n++) {
      const { images, packed } = index(n * 3);
      const all = n % 3 === 0 ? images : [image((n * 3) % IMAGES)];
      for (const { blobs, packed: child } of all) {
        for (const { bytes, descriptor } of blobs) await session.putBlob({ ...descriptor, stream: bytes });
        await session.putManifest(child, n % 3 === 0 ? {} : { tags: [`source-${n}`] });
      }
      if (n % 3 === 0) await session.putManifest(packed, { tags: [`source-${n}`] });
    }
  });
  await store.close();
}

export interface Copying {
  readonly source: string;
  readonly directory: string;
  readonly journal: Journal;
  readonly chance: Chance;
  /** Of its own tags, and now and then one of ours. */
  readonly tags: readonly string[];
  readonly isOver: () => boolean;
}

/** Copies into the layout, one after the other. Returns how long the longest took, in milliseconds. */
export async function copying(o: Copying): Promise<number> {
  const { source, directory, journal, chance, tags } = o;
  const digests = new Map<string, string>();
  const store = await openLayout(source, { readOnly: true });
  for await (const { name, digest } of store.repository().tags()) digests.set(name, digest);
  await store.close();
  let longest = 0;
  while (!o.isOver()) {
    const from = chance.pick([...digests.keys()]);
    const tag = chance.pick(tags);
    const n = journal.begin({ what: "skopeo copy", effects: [{ tag, to: digests.get(from)! }] });
    const began = clock();
    try {
      await skopeo(
        "copy",
        "--quiet",
        "--all",
        "--preserve-digests",
        `oci:${source}:${from}`,
        `oci:${directory}:${tag}`,
      );
      journal.end(n, { outcome: "done" });
    } catch (error) {
      const { stderr = String(error) } = error as { stderr?: string };
      journal.end(n, { outcome: "refused", code: "SKOPEO", message: stderr });
    }
    longest = Math.max(longest, clock() - began);
    // Without a pause it would undo nearly everything that we do.
    await sleep(chance.below(600));
  }
  return longest;
}

/** A layout that another tool made, so that `init` has not declared it ours. */
export async function makeForeign(directory: string, source: string): Promise<void> {
  await skopeo(
    "copy",
    "--quiet",
    "--all",
    "--preserve-digests",
    `oci:${source}:source-0`,
    `oci:${directory}:foreign-0`,
  );
}
