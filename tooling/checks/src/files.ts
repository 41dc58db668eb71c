import { posix } from "node:path";
import type { SourceFile } from "./repository.ts";

const MAX_LINES = 400;

/** Code of more lines than one sitting reads. Fixtures and declarations are not ours to split. */
export function lengthViolations(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => /\.(?:[cm]?tsx?|[cm]?js)$/.test(path) && !/\/fixtures\/|\.d\.[cm]?ts$/.test(path))
    .map(({ path, text }) => ({ path, lines: text.replace(/\n$/, "").split("\n").length }))
    .filter(({ lines }) => lines > MAX_LINES)
    .map(({ path, lines }) => `${path}: ${lines} lines, more than ${MAX_LINES}`);
}

/** What is published says what it is and under which terms. */
export function paperViolations(files: readonly SourceFile[]): string[] {
  const paths = new Set(files.map(({ path }) => path));
  return [...paths]
    .filter((path) => /^(?:packages|apps)\/[^/]+\/package\.json$/.test(path))
    .flatMap((path) => ["README.md", "LICENSE"].map((name) => `${posix.dirname(path)}/${name}`))
    .filter((path) => !paths.has(path))
    .map((path) => `${path}: missing`);
}

/** A lock file with an address in it installs from there, whichever registry the reader uses. */
export function lockViolations(files: readonly SourceFile[]): string[] {
  return linesThat(
    files.filter(({ path }) => path === "pnpm-lock.yaml"),
    /tarball:|https?:\/\//,
  );
}

/** A path that exists on the author's machine only. */
export function machinePathViolations(files: readonly SourceFile[]): string[] {
  return linesThat(files, /(?<![\w.*)\]}>~-])\/(?:work|home|Users|root)\/\w/);
}

function linesThat(files: readonly SourceFile[], pattern: RegExp): string[] {
  return files.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}
