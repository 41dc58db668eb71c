import { posix } from "node:path";
import ts from "typescript";
import type { SourceFile } from "./repository.ts";

/** The rooms of core. Each may import those before it, and `errors.ts`, which itself imports nothing. */
export const ROOMS = ["model", "contract", "liveness", "catalog", "gc", "store", "copy", "memory"] as const;

/** `index.ts` exports from all rooms; no room imports it. */
const INDEX = "index.ts";
const ERRORS = "errors.ts";

const CODE = /\.(?:[cm]?ts|tsx|[cm]?js)$/;

/** What a file imports, types and `import()` included: as written, and where a relative one leads. */
function importsOf(file: SourceFile): { specifier: string; target: string | undefined }[] {
  return ts.preProcessFile(file.text, true, true).importedFiles.map(({ fileName: specifier }) => ({
    specifier,
    target: specifier.startsWith(".") ? posix.join(posix.dirname(file.path), specifier) : undefined,
  }));
}

/** Imports against the order of the rooms, and files of core that stand in none. */
export function roomViolations(files: readonly SourceFile[]): string[] {
  const source = "packages/core/src/";
  const rank = (path: string) => ROOMS.findIndex((room) => path.startsWith(`${source}${room}/`));
  return files.flatMap((file) => {
    if (!file.path.startsWith(source) || file.path === source + INDEX) return [];
    const own = rank(file.path);
    if (own === -1 && file.path !== source + ERRORS) return [`${file.path}: not in a room (${ROOMS.join(", ")})`];
    return importsOf(file)
      .filter(({ target }) => {
        if (file.path === source + ERRORS) return true;
        if (target === undefined || target === source + ERRORS) return false;
        return rank(target) === -1 || rank(target) > own;
      })
      .map(({ specifier }) => `${file.path}: imports ${specifier}, which is not in a room before its own`);
  });
}

/**
 * Inside the workspace a package depends on core alone, and core on nothing: so no backend knows another, and nothing
 * that is published needs an app or a tool. Holds for the sources and for what package.json installs.
 */
export function packageViolations(files: readonly SourceFile[]): string[] {
  const manifests = files.filter(({ path }) => /^(?:packages|apps|tooling)\/[^/]+\/package\.json$/.test(path));
  const names = manifests.map(({ text }) => JSON.parse(text).name as string);
  const core = "@ocistore/core";
  return manifests
    .filter(({ path }) => path.startsWith("packages/"))
    .flatMap((manifest) => {
      const folder = posix.dirname(manifest.path);
      const { name, dependencies, optionalDependencies, peerDependencies } = JSON.parse(manifest.text);
      const foreign = (specifier: string) => {
        const used = names.find((other) => specifier === other || specifier.startsWith(`${other}/`));
        return used !== undefined && (used !== core || name === core);
      };
      const installed = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
      return [
        ...installed.filter(foreign).map((other) => `${manifest.path}: depends on ${other}`),
        ...files
          .filter(({ path }) => path.startsWith(`${folder}/src/`) && CODE.test(path))
          .flatMap((file) =>
            importsOf(file)
              .filter(({ specifier, target }) => foreign(specifier) || (target && !target.startsWith(`${folder}/src/`)))
              .map(({ specifier }) => `${file.path}: imports ${specifier}`),
          ),
      ];
    });
}
