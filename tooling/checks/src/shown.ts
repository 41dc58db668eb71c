import type { SourceFile } from "./repository.ts";
import { titlesOf } from "./titles.ts";

/** What a table writes for a folder of tests. */
export const FOLDERS: readonly (readonly [string, string])[] = [
  ["core/", "packages/core/test/"],
  ["fs/", "packages/backend-fs/test/"],
  ["sqlite/", "packages/backend-sqlite/test/"],
  ["suite/", "packages/backend-suite/src/rules/"],
  ["cli/", "apps/cli/test/"],
  ["peers/", "tooling/peers/test/"],
  ["properties/", "tooling/properties/"],
  ["scale/", "tooling/scale/test/"],
  ["crash/", "tooling/crash/test/"],
  ["faults/", "tooling/faults/test/"],
  ["simulation/", "tooling/simulation/"],
  ["hostile/", "tooling/hostile/test/"],
  ["fuzz/", "tooling/fuzz/test/"],
  ["soak/", "tooling/soak/test/"],
];

/**
 * Tables whose last column is `shown by`: each row names at least one test there, as `` `folder/file › part of its title` ``,
 * or says `not ours: why`. The file has to be there, and the words in the title of a test or of a group of tests in it.
 */
export function shownViolations(files: readonly SourceFile[]): string[] {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  const known = new Map<string, string[] | undefined>();
  const titles = (path: string) => {
    const text = texts.get(path);
    if (!known.has(path)) known.set(path, text === undefined ? undefined : titlesOf(path, text));
    return known.get(path);
  };
  return files
    .filter(({ path }) => /^docs\/.*\.md$/.test(path))
    .flatMap(({ path, text }) =>
      rowsOf(text).flatMap(({ line, cell }) => faultsOf(cell, titles).map((fault) => `${path}:${line}: ${fault}`)),
    );
}

function rowsOf(text: string): { readonly line: number; readonly cell: string }[] {
  const rows: { line: number; cell: string }[] = [];
  let isShown = false;
  for (const [at, line] of text.split("\n").entries()) {
    const cell = /^\|.*\|\s*$/.test(line)
      ? (line
          .trim()
          .slice(1, -1)
          .split(/(?<!\\)\|/)
          .at(-1)
          ?.trim() ?? "")
      : undefined;
    if (cell === undefined) isShown = false;
    else if (cell === "shown by") isShown = true;
    else if (isShown && !/^[-: ]+$/.test(cell)) rows.push({ line: at + 1, cell });
  }
  return rows;
}

function faultsOf(cell: string, titles: (path: string) => readonly string[] | undefined): string[] {
  if (/^not ours: \S/.test(cell)) return [];
  const claims = [...cell.matchAll(/`([^`]+)`/g)].map(([, claim]) => claim!).filter((claim) => claim.includes(" › "));
  if (claims.length === 0) return ["shown by no test"];
  return claims.flatMap((claim) => {
    const [file = "", title = ""] = claim.split(" › ");
    const [short, folder] = FOLDERS.find(([start]) => file.startsWith(start)) ?? ["", ""];
    const found = titles(folder + file.slice(short.length));
    if (found === undefined) return [`no file ${file}`];
    const isTitle = title !== "" && found.some((each) => each.includes(title));
    return isTitle ? [] : [`no test in ${file} is called ${title}`];
  });
}
