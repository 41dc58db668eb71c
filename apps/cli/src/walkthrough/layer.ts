import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { type Digest, digestOf } from "@ocistore/core";
import { type TarEntry, tar } from "./tar.ts";

/** The input files; they lie beside `src` and `dist` alike. */
const INPUT = new URL("../../walkthrough/", import.meta.url);

export interface Layer {
  /** As it is stored: gzip'd. */
  readonly bytes: Uint8Array;
  /** Of the tar inside, which an image's config names. */
  readonly diffId: Digest;
  readonly createdBy: string;
}

/** A directory of the input as a layer. */
export async function layerOf(directory: string): Promise<Layer> {
  const plain = tar(await entriesBelow(directory, ""));
  return { bytes: new Uint8Array(gzipSync(plain)), diffId: digestOf(plain), createdBy: `COPY ${directory}/ /` };
}

export function inputFile(path: string): string {
  return fileURLToPath(new URL(path, INPUT));
}

async function entriesBelow(directory: string, path: string): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  for (const entry of await readdir(inputFile(`${directory}/${path}`), { withFileTypes: true })) {
    const below = `${path}${entry.name}`;
    if (entry.isDirectory()) {
      entries.push({ path: `${below}/`, bytes: new Uint8Array() }, ...(await entriesBelow(directory, `${below}/`)));
    } else {
      entries.push({ path: below, bytes: await readFile(inputFile(`${directory}/${below}`)) });
    }
  }
  return entries;
}
