import { type ErrorCode, isOciStoreError } from "@ocistore/core";
import { CommanderError } from "commander";
import { Interrupted } from "./signals.ts";

/** What the shell is told. 130 and 143 stand for signals. */
export const EXIT = { done: 0, failed: 1, refused: 2, notFound: 3, findings: 4 } as const;

/** A failure of the command itself: a word too many, a "no" to the question. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: string;
  readonly exit: number;
  readonly hint: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    exit: number,
    message: string,
    o: { hint?: string | undefined; data?: Readonly<Record<string, unknown>>; cause?: unknown } = {},
  ) {
    super(message, { cause: o.cause });
    this.code = code;
    this.exit = exit;
    this.hint = o.hint;
    this.data = o.data ?? {};
  }
}

/** The words on the command line are wrong. */
export function usage(message: string, hint?: string): CliError {
  return new CliError("USAGE", EXIT.refused, message, { hint });
}

/** The words are right, and it is not done all the same. */
export function refused(message: string, hint?: string): CliError {
  return new CliError("REFUSED", EXIT.refused, message, { hint });
}

export function notFound(message: string, hint?: string): CliError {
  return new CliError("NOT_FOUND", EXIT.notFound, message, { hint });
}

/** Whoever read our output has seen enough; no reason to say anything. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

/** A failure as it is reported: one line of text, or one object. */
export interface Report {
  readonly exit: number;
  /** `undefined`: nothing is said. */
  readonly code: string | undefined;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly data?: object;
}

export function reportOf(error: unknown, isChanging = false): Report {
  if (error instanceof OutputClosed) return { exit: EXIT.done, code: undefined, message: "" };
  if (error instanceof Interrupted) {
    const hint = isChanging ? "what was done stays done; the same command again does the rest" : "nothing was changed";
    return { exit: error.exit, code: "INTERRUPTED", message: error.message, hint };
  }
  if (error instanceof CliError) return { ...pick(error), data: error.data };
  if (error instanceof CommanderError) return fromCommander(error);
  if (isOciStoreError(error)) {
    const { exit = EXIT.failed, hint } = KNOWN[error.code] ?? {};
    return { exit, code: error.code, message: error.message, hint, data: error.data };
  }
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as { code?: unknown } | null)?.code;
  return { exit: EXIT.failed, code: typeof code === "string" ? code : "FAILED", message };
}

const pick = ({ exit, code, message, hint }: CliError) => ({ exit, code, message, hint });

/** Help and version are no failures, though commander throws them. */
function fromCommander({ exitCode, code, message }: CommanderError): Report {
  if (exitCode === 0 || code === "commander.help") {
    return { exit: exitCode === 0 ? EXIT.done : EXIT.refused, code: undefined, message: "" };
  }
  const [first = "", ...more] = message.replace(/^error: /, "").split("\n");
  const what = first.replace(" is invalid. ", " is invalid: ").replace(/\.$/, "");
  const [suggestion] = more.flatMap((line) => /Did you mean (.*)\?/.exec(line)?.[1] ?? []);
  const hint = suggestion === undefined ? "see --help" : `perhaps ${suggestion}; see --help`;
  return { exit: EXIT.refused, code: "USAGE", message: what, hint };
}

const KNOWN: { readonly [code in ErrorCode]?: { readonly exit?: number; readonly hint?: string } } = {
  NOT_FOUND: { exit: EXIT.notFound, hint: "`ocistore ls` says what there is" },
  REFERENCE_INVALID: { exit: EXIT.refused, hint: "a reference is written oci:DIR:TAG or oci:DIR@DIGEST" },
  AMBIGUOUS: { exit: EXIT.refused, hint: "say more of the platform, or give a digest" },
  DIGEST_INVALID: { exit: EXIT.refused, hint: "a digest is written sha256: and 64 lower-case hex digits" },
  IN_USE: { exit: EXIT.refused },
  CONFLICT: { exit: EXIT.refused, hint: "look again and try again" },
  ALREADY_EXISTS: { exit: EXIT.refused },
  UNSUPPORTED: { exit: EXIT.refused },
  RANGE_INVALID: { exit: EXIT.refused, hint: "`ocistore inspect` says how many bytes there are" },
  LOCKED: { hint: "try again when it is done" },
  LAYOUT_INVALID: { hint: "look at the directory; `ocistore init` makes a new layout in an empty one" },
  CORRUPT: { hint: "`ocistore fsck` finds all that is damaged; pushing the same content again mends it" },
  NO_SPACE: { hint: "make room, and run the same command again" },
  PERMISSION: { hint: "look at who owns the directory" },
};
