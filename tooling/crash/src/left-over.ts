import { join } from "node:path";
import type { FileSystem } from "@ocistore/backend-fs";
import type { Digest } from "@ocistore/core";

/** Files that may be there, whatever they say. The lock tidies its own records when there are many. */
const OURS = /^(oci-layout|index\.json|\.ocistore\/(store|pins|leases|lost)\.json|\.ocistore\/(lock|damaged)\/.*)$/;

/** What lies in a layout although nothing needs it, and what is needed and not there. */
export async function leftOver(fs: FileSystem, directory: string, needed: ReadonlySet<Digest>): Promise<string[]> {
  const wanted = new Set([...needed].map((digest) => `blobs/${digest.replace(":", "/")}`));
  const wrong: string[] = [];
  const visit = async (path: string) => {
    for await (const { name, kind } of fs.readdir(join(directory, path))) {
      const inside = join(path, name);
      if (kind === "directory") {
        if (path === ".ocistore/trash") wrong.push(`${inside}/`);
        await visit(inside);
      } else if (!wanted.delete(inside) && !OURS.test(inside)) {
        wrong.push(inside);
      }
    }
  };
  await visit("");
  return [...wrong, ...[...wanted].map((path) => `missing: ${path}`)];
}
