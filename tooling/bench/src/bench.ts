import type { Scale } from "./case.ts";
import { CASES } from "./cases/index.ts";
import { requirePeers } from "./peers.ts";
import { type CaseResult, runCase } from "./run.ts";
import { Workspace } from "./workspace.ts";

/** Measures the cases of these names, one after the other: nothing else is to have the machine meanwhile. */
export async function bench(
  scale: Scale,
  only: readonly string[] | undefined,
  say: (line: string) => void,
  onCase: (results: readonly CaseResult[]) => void = () => {},
): Promise<readonly CaseResult[]> {
  requirePeers();
  const names = CASES.map(({ name }) => name);
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new TypeError(`no case is called ${unknown}; there are ${names.join(", ")}`);
  const workspace = await Workspace.create();
  try {
    const results: CaseResult[] = [];
    for (const each of CASES) {
      if (!(only?.includes(each.name) ?? true)) continue;
      results.push(await runCase(each, workspace, scale, say));
      onCase(results);
    }
    return results;
  } finally {
    await workspace[Symbol.asyncDispose]();
  }
}
