import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A file of the repository: its path from the root, with `/`, and what is in it. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Every file that git would track: all but git's own and what the root's .gitignore names. */
export function readRepository(): SourceFile[] {
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  const ignored = ignoreMatcher(readFileSync(`${root}.gitignore`, "utf8"));
  const files: SourceFile[] = [];
  const walk = (folder: string) => {
    for (const entry of readdirSync(root + folder, { withFileTypes: true })) {
      const path = folder + entry.name;
      if (entry.name === ".git" || ignored(entry.isDirectory() ? `${entry.name}/` : entry.name)) continue;
      if (entry.isDirectory()) walk(`${path}/`);
      else if (entry.isFile()) files.push({ path, text: readFileSync(root + path, "utf8") });
    }
  };
  walk("");
  return files;
}

/**
 * Only the patterns that this repository uses: a name anywhere in the tree, `*` in it, `/` behind a folder. Anything
 * else is refused, so that nobody believes it to work.
 */
export function ignoreMatcher(gitignore: string): (name: string) => boolean {
  const lines = gitignore.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const patterns = lines.map((line) => {
    if (!/^[\w.*-]+\/?$/.test(line)) throw new Error(`tooling/checks cannot read this line of .gitignore: ${line}`);
    return new RegExp(`^${line.replaceAll(".", "\\.").replaceAll("*", ".*")}$`);
  });
  return (name) => patterns.some((pattern) => pattern.test(name));
}
