import { join } from "node:path";
import { regularFiles } from "../files/listing.ts";
import type { Bench } from "./bench.ts";

/** New versions of files that never took the name: whoever was writing them has died, for we hold the lock. */
export async function mendLeftovers(bench: Bench): Promise<void> {
  const { fs, paths } = bench;
  for await (const { name, path } of regularFiles(fs, paths.ours)) {
    if (!name.endsWith(".new")) continue;
    const message = `${name} never took the place of the file it was to be: whoever was writing it has died`;
    await bench.mend({ level: "note", code: "leftover", path, message }, "set aside", () => bench.setAside(path));
  }
}

/** What earlier repairs have set aside; a person decides when it may go. */
export async function listAsides(bench: Bench): Promise<void> {
  const { fs, paths } = bench;
  const names: string[] = [];
  for await (const { name } of regularFiles(fs, paths.damaged)) names.push(name);
  for (const name of names.sort()) {
    const message = `${name} was set aside by a repair; delete it when nobody needs it`;
    bench.note({ level: "note", code: "aside", path: join(paths.damaged, name), message });
  }
}
