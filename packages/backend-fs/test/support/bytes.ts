import { writeAll } from "../../src/files/durable.ts";
import type { FileSystem } from "../../src/files/file-system.ts";
import { readWhole } from "../../src/files/read.ts";

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Makes a file. */
export async function put(fs: FileSystem, path: string, content: string | Uint8Array): Promise<void> {
  const handle = await fs.open(path, "wx");
  await writeAll(handle, typeof content === "string" ? bytes(content) : content, 0);
  await handle.close();
}

/** What a small file holds; `undefined` if there is none. */
export async function text(fs: FileSystem, path: string): Promise<string | undefined> {
  const content = await readWhole(fs, path, 1_000_000);
  return content && new TextDecoder().decode(content);
}

/** The names in a directory, sorted. */
export async function names(fs: FileSystem, path: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of fs.readdir(path)) found.push(entry.name);
  return found.sort();
}
