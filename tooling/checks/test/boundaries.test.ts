import { describe, expect, it } from "vitest";
import { lengthViolations, lockViolations, machinePathViolations, paperViolations } from "../src/files.ts";
import { packageViolations, ROOMS, roomViolations } from "../src/imports.ts";
import { ignoreMatcher, readRepository, type SourceFile } from "../src/repository.ts";
import { shownViolations } from "../src/shown.ts";

const repository = readRepository();

/** Checks this repository, and that the check sees each of the made-up faults: `[what is wrong, the files, the reports]`. */
function rule(
  name: string,
  check: (files: readonly SourceFile[]) => string[],
  faults: readonly (readonly [string, Record<string, string>, readonly string[]])[],
) {
  describe(name, () => {
    it("holds here", () => expect(check(repository)).toEqual([]));
    it.each(faults)("sees %s", (_, files, reports) => {
      expect(check(Object.entries(files).map(([path, text]) => ({ path, text })))).toEqual(reports);
    });
  });
}

const core = (path: string) => `packages/core/src/${path}`;
const later = "which is not in a room before its own";

rule("each room of core imports those before it", roomViolations, [
  [
    "an import of a later room",
    { [core("model/digest.ts")]: `import { plan } from "../gc/plan.ts";` },
    [`${core("model/digest.ts")}: imports ../gc/plan.ts, ${later}`],
  ],
  [
    "a type, a re-export and a dynamic import, not a comment",
    {
      [core("gc/plan.ts")]: [
        `// import { x } from "../store/x.ts";`,
        `import type { A } from "../store/a.ts";`,
        `export * from "../memory/b.ts";`,
        `const c = await import("../store/c.ts");`,
        `import { ok } from "../liveness/mark.ts";`,
        `import { OciStoreError } from "../errors.ts";`,
        `import { near } from "./near.ts";`,
      ].join("\n"),
    },
    ["../store/a.ts", "../memory/b.ts", "../store/c.ts"].map((to) => `${core("gc/plan.ts")}: imports ${to}, ${later}`),
  ],
  [
    "a room that imports the index",
    { [core("store/push.ts")]: `import { x } from "../index.ts";` },
    [`${core("store/push.ts")}: imports ../index.ts, ${later}`],
  ],
  [
    "an import in errors.ts, even of a room",
    { [core("errors.ts")]: `import type { Digest } from "./model/digest.ts";` },
    [`${core("errors.ts")}: imports ./model/digest.ts, ${later}`],
  ],
  [
    "a file and a folder outside the rooms",
    { [core("helpers.ts")]: "", [core("util/x.ts")]: "", [core("index.ts")]: `export * from "./memory/x.ts";` },
    [core("helpers.ts"), core("util/x.ts")].map((path) => `${path}: not in a room (${ROOMS.join(", ")})`),
  ],
]);

const manifests = {
  "packages/core/package.json": `{ "name": "@ocistore/core" }`,
  "packages/backend-fs/package.json": `{ "name": "@ocistore/backend-fs", "dependencies": { "@ocistore/core": "*" } }`,
  "packages/backend-s3/package.json": `{ "name": "@ocistore/backend-s3" }`,
  "apps/cli/package.json": `{ "name": "ocistore", "dependencies": { "@ocistore/backend-fs": "*" } }`,
  "tooling/peers/package.json": `{ "name": "@ocistore-tooling/peers" }`,
};

rule("a package knows core alone", packageViolations, [
  [
    "a backend that imports another, by name or by path, not one that imports core",
    {
      ...manifests,
      "packages/backend-fs/src/a.ts": `import { b } from "@ocistore/backend-s3";\nimport { c } from "@ocistore/core";`,
      "packages/backend-fs/src/d.ts": `import { e } from "../../backend-s3/src/e.ts";\nimport { f } from "./f.ts";`,
    },
    [
      "packages/backend-fs/src/a.ts: imports @ocistore/backend-s3",
      "packages/backend-fs/src/d.ts: imports ../../backend-s3/src/e.ts",
    ],
  ],
  [
    "core that imports a backend, an app and a tool",
    {
      ...manifests,
      "packages/core/src/index.ts": `import "@ocistore/backend-fs/x";\nimport "ocistore";\nimport "@ocistore-tooling/peers";`,
    },
    ["@ocistore/backend-fs/x", "ocistore", "@ocistore-tooling/peers"].map(
      (to) => `packages/core/src/index.ts: imports ${to}`,
    ),
  ],
  [
    "sources that import a test",
    { ...manifests, "packages/core/src/a.ts": `import "../test/helpers.ts";` },
    ["packages/core/src/a.ts: imports ../test/helpers.ts"],
  ],
  [
    "a tool or another backend in package.json, but not for the tests",
    {
      ...manifests,
      "packages/backend-s3/package.json": JSON.stringify({
        name: "@ocistore/backend-s3",
        dependencies: { "@ocistore-tooling/peers": "*" },
        peerDependencies: { "@ocistore/backend-fs": "*" },
        devDependencies: { ocistore: "*" },
      }),
    },
    ["@ocistore-tooling/peers", "@ocistore/backend-fs"].map(
      (to) => `packages/backend-s3/package.json: depends on ${to}`,
    ),
  ],
]);

rule("no file is longer than 400 lines", lengthViolations, [
  [
    "line 401, not a fixture's",
    { "a/b.ts": "x\n".repeat(401), "a/c.mjs": "x\n".repeat(400), "a/fixtures/d.ts": "x\n".repeat(999) },
    ["a/b.ts: 401 lines, more than 400"],
  ],
]);

rule("each package has its papers", paperViolations, [
  [
    "a README and a LICENSE missing",
    { "packages/a/package.json": "", "packages/a/LICENSE": "", "apps/b/package.json": "", "apps/b/README.md": "" },
    ["packages/a/README.md: missing", "apps/b/LICENSE: missing"],
  ],
]);

rule("the lock file names no host", lockViolations, [
  [
    "an address and a tarball",
    { "pnpm-lock.yaml": "a:\n  tarball: x\n  resolution: https://registry.example/a\n" },
    ["pnpm-lock.yaml:2: tarball: x", "pnpm-lock.yaml:3: resolution: https://registry.example/a"],
  ],
]);

/** Put together here, so that this file holds no such path itself. */
const absolute = (...parts: string[]) => ["", ...parts].join("/");

rule("no path of one machine", machinePathViolations, [
  [
    "paths of this machine, not of an address or a neighbour",
    {
      "a.ts": `open("${absolute("work", "main")}")`,
      "b.md": `see ${absolute("home", "me", "x")}`,
      "c.md": "see https://example.org/home/me, ../work/x and packages/root/y",
    },
    [`a.ts:1: open("${absolute("work", "main")}")`, `b.md:1: see ${absolute("home", "me", "x")}`],
  ],
]);

/** Words that stand in a file of tests, but in no title of a test that runs. */
const UNTITLED = ["in a comment", "in a test", "in a later cell", "a value", "left out", "some day", ""];

rule("what a table says a test shows, a test shows", shownViolations, [
  [
    "a row without a test, a file that is not there, a name that is not in it; not a reason, and no other table",
    {
      "docs/a.md": [
        "| theirs | ours | shown by |",
        "| --- | --- | --- |",
        '| a | a() | `core/a.test.ts › it says "a"`, `core/a.test.ts › nothing` |',
        "| b | b() | `fs/b.test.ts › b` |",
        "| c | c() |  |",
        "| d | | not ours: nobody wants it |",
        "",
        "| other | table |",
        "| e | |",
      ].join("\n"),
      "packages/core/test/a.test.ts": `test("it says \\"a\\"")`,
    },
    [
      "docs/a.md:3: no test in core/a.test.ts is called nothing",
      "docs/a.md:4: no file fs/b.test.ts",
      "docs/a.md:5: shown by no test",
    ],
  ],
  [
    "words of a file that are in no title",
    {
      "docs/a.md": [
        "| what | shown by |",
        "| --- | --- |",
        ...UNTITLED.map((words) => `| no | \`core/a.test.ts › ${words}\` |`),
        ...["a title", "of a group", "a row", "another row", "each", "at once", "only here"].map(
          (words) => `| yes | \`core/a.test.ts › ${words}\` |`,
        ),
        ...["a rule", "any number of rules"].map((words) => `| yes | \`suite/b.ts › ${words}\` |`),
      ].join("\n"),
      "packages/core/test/a.test.ts": `
        // test("in a comment")
        describe.concurrent("of a group", () => {
          test.skip("left out", () => {});
          test.todo("some day");
          test("a title", () => expect("in a test").toBe("in a test"));
          test.each([["a row", "in a later cell"], "another row"] as const)("each %s", () => {});
          for (const i of [1]) it.runIf(i)(\`$\{i} at once\`, { timeout: 1, "a value": 1 }, () => {});
        });
        test.each(many)(
          "only here, %s",
          () => {},
        );`,
      "packages/backend-suite/src/rules/b.ts": `
        export const all = rules("b", { "a rule": async () => {}, [\`any number of rules: $\{x}\`]: f });`,
    },
    UNTITLED.map((words, at) => `docs/a.md:${at + 3}: no test in core/a.test.ts is called ${words}`),
  ],
]);

describe("reading the repository", () => {
  it("finds what git tracks and nothing that it ignores", () => {
    const paths = repository.map(({ path }) => path);
    expect(paths).toContain("packages/core/src/index.ts");
    expect(paths).toContain("tooling/checks/test/boundaries.test.ts");
    expect(paths.filter((path) => /node_modules|\/dist\/|^\.git\//.test(path))).toEqual([]);
  });

  it("understands the patterns of .gitignore that are in use, and refuses others", () => {
    const ignored = ignoreMatcher("# comment\ndist/\nreport*.json\n");
    expect(["dist/", "report-1.json"].filter(ignored)).toHaveLength(2);
    expect(["dist", "xdist/", "report.json5"].filter(ignored)).toEqual([]);
    expect(() => ignoreMatcher("!keep\n")).toThrow("!keep");
  });
});
