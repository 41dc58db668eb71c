// A process of its own, in which vitest stays: of each run only what a mutant has changed is read again. Plain JavaScript, since
// the oldest Node that is supported runs nothing else by itself.
import { createVitest } from "vitest/node";

const [, , patience] = process.argv;
const kept = new Map();

/** One for each package, since each has its own configuration. */
function vitestAt(root) {
  if (!kept.has(root)) {
    const options = {
      root,
      watch: false,
      testTimeout: Number(patience),
      fileParallelism: false,
      bail: 1,
      reporters: [{}],
    };
    kept.set(root, createVitest("test", options));
  }
  return kept.get(root);
}

async function run({ root, file, pattern, changed }) {
  const vitest = await vitestAt(root);
  for (const path of changed) for (const each of kept.values()) (await each).invalidateFile(path);
  vitest.setGlobalTestNamePattern(new RegExp(pattern));
  const specifications = vitest.projects.map((project) => project.createSpecification(file));
  const { testModules: all, unhandledErrors } = await vitest.runTestSpecifications(specifications);
  // Those of earlier runs are there too.
  const testModules = all.filter(({ moduleId }) => moduleId === file);
  const tests = testModules.flatMap((module) => [...module.children.allTests()]);
  const named = (state) => tests.filter((test) => test.result().state === state).map(nameOf);
  const errors = [
    ...testModules.flatMap((module) => module.errors()),
    ...tests.flatMap((test) => test.result().errors ?? []),
    ...unhandledErrors,
  ];
  return {
    failed: named("failed"),
    passed: named("passed"),
    output: errors.map((e) => e.stack ?? e.message).join("\n"),
  };
}

/** As a pattern for names sees it: with the names of its groups before it. */
function nameOf({ type, name, parent }) {
  return type === "module" ? "" : `${nameOf(parent)} ${name}`.trim();
}

process.on("message", async (request) => {
  try {
    process.send(await run(request));
  } catch (error) {
    process.send({ failed: [], passed: [], output: `${error.stack ?? error}` });
  }
});
process.on("disconnect", () => process.exit());
