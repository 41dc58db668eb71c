import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const PACKAGE = fileURLToPath(new URL("../..", import.meta.url));
const CORE = join(PACKAGE, "../core/src");
const PACKAGES = [
  ["@ocistore/core", "core/index.js"],
  ["@ocistore/backend-fs", "src/index.js"],
] as const;

/**
 * The sources as JavaScript that a child process can run: Node 20 reads no TypeScript, and a test should not depend on
 * a build. They lie in the package's `node_modules`, so that dependencies are found and Git is not bothered.
 *
 * @param more Other sources, and the folder that they are to lie in.
 * @returns the directory, with `core/`, `src/` and `test/` in it, and what removes it.
 */
export async function compiled(
  more: readonly (readonly [from: string, to: string])[] = [],
): Promise<{ directory: string; remove: () => Promise<void> }> {
  const directory = await mkdtemp(join(PACKAGE, "node_modules", ".compiled-"));
  await writeFile(join(directory, "package.json"), '{ "type": "module" }');
  for (const [from, to] of [
    [CORE, "core"],
    [join(PACKAGE, "src"), "src"],
    [join(PACKAGE, "test/support"), "test/support"],
    ...more,
  ] as const) {
    await compileAll(from, join(directory, to), directory);
  }
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}

async function compileAll(from: string, to: string, directory: string): Promise<void> {
  for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
    const source = join(entry.parentPath, entry.name);
    const target = join(to, relative(from, source)).replace(/\.ts$/, ".js");
    const compilerOptions: ts.CompilerOptions = {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
    };
    const { outputText } = ts.transpileModule(await readFile(source, "utf8"), { compilerOptions });
    await mkdir(dirname(target), { recursive: true });
    const named = (text: string, [name, file]: readonly [string, string]) =>
      text.replaceAll(`"${name}"`, JSON.stringify(relativeTo(target, join(directory, file))));
    await writeFile(target, PACKAGES.reduce(named, outputText));
  }
}

function relativeTo(file: string, target: string): string {
  const path = relative(dirname(file), target);
  return path.startsWith(".") ? path : `./${path}`;
}
