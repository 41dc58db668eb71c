import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { FileSystem } from "../../src/files/file-system.ts";
import { nodeFileSystem } from "../../src/files/node-file-system.ts";
import { memoryFileSystem } from "./memory-file-system.ts";

export interface Place {
  readonly fs: FileSystem;
  /** An empty directory. */
  readonly directory: string;
}

/** An empty directory of the real disk, gone after the test. */
export async function realPlace(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), "ocistore-fs-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return { fs: nodeFileSystem(), directory };
}

export async function memoryPlace(): Promise<Place> {
  const fs = memoryFileSystem();
  await fs.mkdir("/store");
  return { fs, directory: "/store" };
}

/** For `describe.each`: what holds on the disk has to hold in memory, or tests in memory prove nothing. */
export const places: readonly (readonly [string, () => Promise<Place>])[] = [
  ["disk", realPlace],
  ["memory", memoryPlace],
];

/** A named pipe on the real disk; Node has no call for it. */
export function makeFifo(path: string): void {
  execFileSync("sh", ["-c", 'mkfifo "$1"', "sh", path]);
}
