import { contentOf, digestNamed } from "../content.ts";
import { FURNISHED, furnish } from "../furnish.ts";
import type { Scenario } from "../scenario.ts";
import { type Place, Process } from "../world.ts";

/** A blob and a manifest have wrong bytes, and index.json has no end. */
async function damaged(place: Place): Promise<void> {
  await furnish(place);
  const overwrite = async (path: string, change: (bytes: Uint8Array) => Uint8Array) => {
    const { fs } = new Process(place);
    const at = `${place.directory}/${path}`;
    const handle = await fs.open(at, "r+");
    const bytes = new Uint8Array((await handle.stat()).size);
    await handle.read(bytes, 0, bytes.length, 0);
    const next = change(bytes);
    await handle.write(next, 0, next.length, 0);
    await handle.truncate(next.length);
    await handle.close();
  };
  for (const name of ["layer of v1", "v2"]) {
    await overwrite(`blobs/${digestNamed(name).replace(":", "/")}`, (bytes) => bytes.map((byte) => byte ^ 1));
  }
  await overwrite("index.json", (bytes) => bytes.subarray(0, bytes.length - 2));
}

const source = {
  async *blob(digest: string) {
    yield contentOf(digest).bytes;
  },
};

async function repair(process: Process): Promise<void> {
  for await (const _ of (await process.store()).check({ repair: true, from: [source] }));
}

export const repairs: readonly Scenario[] = [
  {
    name: "repair",
    before: FURNISHED,
    prepare: damaged,
    steps: [{ name: "all of it", after: FURNISHED, run: repair }],
    again: repair,
  },
];
