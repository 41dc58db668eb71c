import ts from "typescript";
import type { SourceFile } from "../../checks/src/repository.ts";
import { type Mutant, patched } from "./mutant.ts";

/** Where what we protect is written: tests and tools make no promises. */
const SOURCES = /^(packages\/(core|backend-fs|backend-sqlite)|apps\/cli)\/src\/.*\.ts$/;

/** Calls that make something durable, take a lock or a lease, or renew one: by the last name, `#` left out. */
const PROTECTING = new Set([
  ...[
    "sync",
    "datasync",
    "fsync",
    "fsyncSync",
    "fdatasync",
    "fdatasyncSync",
    "syncDirectory",
    "syncMoves",
    "syncParent",
  ],
  ...["acquire", "exclusive", "exclusiveHere", "lock", "tryLock", "tryFileLock", "enterKernelLock"],
  ...["withLease", "lease", "renewLease", "renew"],
]);

/** A call that needs no mutant of its own, and why. `call` is its beginning, as it is written. */
export interface Exempt {
  readonly file: string;
  readonly call: string;
  readonly because: string;
}

/** Every protecting call that no mutant takes away and no exemption names; and exemptions for nothing. */
export function unprotected(
  files: readonly SourceFile[],
  mutants: readonly Mutant[],
  exempt: readonly Exempt[],
): string[] {
  const unused = new Set(exempt);
  const found = files
    .filter(({ path }) => SOURCES.test(path))
    .flatMap(({ path, text }) => {
      // What is only moved is still done.
      const taken = mutants
        .filter(({ file, movedBehind }) => file === path && movedBehind === undefined)
        .map((mutant) => patched(text, mutant));
      return protectingCalls(path, text)
        .filter(({ at, call }) => {
          const reason = exempt.find((each) => each.file === path && call.startsWith(each.call));
          if (reason) unused.delete(reason);
          return !reason && !taken.some(({ start, end }) => start <= at && at < end);
        })
        .map(({ line, call }) => `${path}:${line}: no mutant takes away ${call.split("\n")[0]}`);
    });
  return [
    ...found,
    ...[...unused].map(({ file, call }) => `${file}: nothing there is ${call}, which is said to need no mutant`),
  ];
}

interface ProtectingCall {
  /** Where the name is that is called. */
  readonly at: number;
  readonly line: number;
  readonly call: string;
}

function protectingCalls(path: string, text: string): ProtectingCall[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const calls: ProtectingCall[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const { expression } = node;
      const name = ts.isPropertyAccessExpression(expression) ? expression.name : expression;
      if (PROTECTING.has(name.getText().replace(/^#/, ""))) {
        const at = name.getStart();
        calls.push({ at, line: source.getLineAndCharacterOfPosition(at).line + 1, call: node.getText() });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return calls;
}
