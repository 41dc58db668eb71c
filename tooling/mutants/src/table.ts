import { FOLDERS } from "../../checks/src/shown.ts";
import type { Mutant } from "./mutant.ts";

const HEADING = "## Our own protections, and what kills their mutants";

/** The page with the table of these mutants in its section, which is all that stands there. */
export function withTable(page: string, mutants: readonly Mutant[]): string {
  const [before = "", after] = page.split(`${HEADING}\n`);
  if (after === undefined) throw new Error(`no section ${HEADING}`);
  const next = after.indexOf("\n## ");
  return `${before}${HEADING}\n\n${INTRODUCTION}\n\n${tableOf(mutants)}\n${next < 0 ? "" : after.slice(next)}`;
}

const INTRODUCTION = `Each protection in the code, taken away in one place, makes a test fail. The patches are in \`tooling/mutants/src/mutants\`; the
gate applies each to a copy of the sources, runs the test that is named here, and fails if it passes. This table is
written by \`OCISTORE_UPDATE=1 npx vitest run --project mutants table\`.`;

function tableOf(mutants: readonly Mutant[]): string {
  const rows = mutants.map(({ id, protects, file, killedBy, writtenAs }) => {
    const [test, title] = writtenAs ?? killedBy;
    return [
      protects,
      `\`${id}\` in \`${file.split("/").slice(1).join("/").replace("/src/", "/")}\``,
      `\`${short(test)} › ${title}\``,
    ];
  });
  return [["protection", "mutant", "shown by"], ["---", "---", "---"], ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
    .join("\n");
}

function short(path: string): string {
  const [name, folder] = FOLDERS.find(([, start]) => path.startsWith(start)) ?? ["", ""];
  return name + path.slice(folder.length);
}
