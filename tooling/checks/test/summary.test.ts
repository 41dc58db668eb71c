import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "ocistore-summary-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A report as vitest writes it, of one test file. */
function report(counts: { passed?: number; failed?: number; skipped?: number; todo?: number; loads?: boolean }) {
  const { passed = 0, failed = 0, skipped = 0, todo = 0, loads = true } = counts;
  const status = failed > 0 || !loads ? "failed" : "passed";
  const assertionResults = Array.from({ length: failed }, () => ({ status: "failed" }));
  return {
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: skipped,
    numTodoTests: todo,
    testResults: [{ status, assertionResults }],
  };
}

function summary(...reports: unknown[]) {
  const paths = reports.map((one, index) => {
    const path = join(folder, `${index}.json`);
    rmSync(path, { force: true });
    if (one !== undefined) writeFileSync(path, JSON.stringify(one));
    return path;
  });
  const script = fileURLToPath(new URL("../../../.ci/summary.mjs", import.meta.url));
  const { stdout, status } = spawnSync(process.execPath, [script, ...paths], { encoding: "utf8" });
  return `${stdout.trimEnd()} -> ${status}`;
}

it.each([
  ["the sum", [report({ passed: 3 }), report({ passed: 4 })], "7 passed, 0 failed, 0 skipped -> 0"],
  ["a failure", [report({ passed: 3, failed: 2 })], "3 passed, 2 failed, 0 skipped -> 1"],
  ["a file that does not load", [report({ passed: 3, loads: false })], "3 passed, 1 failed, 0 skipped -> 1"],
  ["skipped and todo", [report({ passed: 3, skipped: 1, todo: 1 })], "3 passed, 0 failed, 2 skipped -> 1"],
  ["a run of nothing", [report({ passed: 3 }), report({})], "3 passed, 0 failed, 0 skipped -> 1"],
  ["a missing report", [report({ passed: 3 }), undefined], "3 passed, 0 failed, 0 skipped -> 1"],
  ["no report at all", [], "0 passed, 0 failed, 0 skipped -> 1"],
])("the gate counts %s", (_, reports, line) => expect(summary(...reports)).toBe(line));
