import { createHash } from "node:crypto";
import { lstat, open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { madeUp } from "../layout/made-up.ts";

// What the machine needs for a part of the work alone, a process for each measurement: node bare.js VERB ARGUMENT…

type Work = (argument: string, size: number) => Promise<void>;

/** As many at a time as Node has threads for. */
const AT_A_TIME = 4;

const VERBS: Readonly<Record<string, Work>> = {
  async nothing() {},
  async hash(size) {
    const hash = createHash("sha256");
    for (const piece of madeUp(Number(size))) hash.update(piece);
    hash.digest();
  },
  async write(path, size) {
    const file = await open(path, "wx");
    for (const piece of madeUp(size)) await file.write(piece);
    await file.sync();
    await file.close();
  },
  async look(directory) {
    await each(directory, (path) => lstat(path));
  },
  async read(directory) {
    await each(directory, async (path) =>
      createHash("sha256")
        .update(await readFile(path))
        .digest(),
    );
  },
};

/** Every file of a layout's blobs. */
async function each(directory: string, work: (path: string) => Promise<unknown>): Promise<void> {
  const blobs = join(directory, "blobs", "sha256");
  const names = await readdir(blobs);
  let next = 0;
  const worker = async () => {
    while (next < names.length) await work(join(blobs, names[next++]!));
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
}

const [verb = "", argument = "", size = ""] = process.argv.slice(2);
await VERBS[verb]!(argument, Number(size));
