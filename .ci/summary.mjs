// Sums vitest's JSON reports into the one line that is counted: `node .ci/summary.mjs REPORT...`.
// Fails if a report is missing or empty, and if a test failed or was skipped; which ones, it says on stderr.
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import process from "node:process";

const total = { passed: 0, failed: 0, skipped: 0 };
let complete = process.argv.length > 2;

for (const path of process.argv.slice(2)) {
  try {
    const report = JSON.parse(readFileSync(path, "utf8"));
    total.passed += report.numPassedTests;
    total.failed += report.numFailedTests + report.testResults.filter(failedToLoad).length;
    total.skipped += report.numPendingTests + report.numTodoTests;
    complete &&= report.numPassedTests > 0;
    for (const file of report.testResults) {
      for (const test of file.assertionResults.filter(({ status }) => status !== "passed")) {
        process.stderr.write(`${test.status}: ${relative(".", file.name)} > ${test.fullName}\n`);
      }
    }
  } catch (error) {
    process.stderr.write(`No report of a test run: ${error.message}\n`);
    complete = false;
  }
}

process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exitCode = complete && total.failed === 0 && total.skipped === 0 ? 0 : 1;

/** A file that does not even load has no test to count: it counts as one that failed. */
function failedToLoad({ status, assertionResults }) {
  return status === "failed" && !assertionResults.some((test) => test.status === "failed");
}
