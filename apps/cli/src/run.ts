import { Command } from "commander";
import { Context, type Io } from "./context.ts";
import { EXIT, OutputClosed, reportOf } from "./errors.ts";
import { Output } from "./output/output.ts";
import { addVerbs } from "./verbs/index.ts";
import { packageVersion } from "./version.ts";

export type { Io } from "./context.ts";

/** A verb's work; what it resolves with is the exit code, 0 if nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: most verbs have nothing to say but "done".
type Work<Args extends unknown[]> = (context: Context, ...args: Args) => Promise<number | void>;

/** Makes a commander action of a verb's work. */
export type Action = <Args extends unknown[]>(work: Work<Args>) => (...args: Args) => Promise<void>;

/** Runs the command line in `argv` (without node and the script), and resolves with the exit code. Never rejects. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const closing = new AbortController();
  const signal = io.signal ? AbortSignal.any([io.signal, closing.signal]) : closing.signal;
  // Until the options are read, a failure is reported as they seem to want it.
  let out = new Output(io.stdout, io.stderr, outputOptions({ json: argv.includes("--json") }, io));
  let context: Context | undefined;
  const onError = (error: NodeJS.ErrnoException) => {
    out.close();
    if (error.code !== "EPIPE") outputFailure = error;
    if (!context?.isChanging) closing.abort(error.code === "EPIPE" ? new OutputClosed() : error);
  };
  let outputFailure: unknown;
  io.stdout.on("error", onError);
  const onAbort = () => out.stopProgress();
  signal.addEventListener("abort", onAbort);

  let exit: number = EXIT.done;
  const program = newProgram(io);
  const action: Action =
    (work) =>
    async (...args) => {
      const options = program.opts<GlobalOptions>();
      out = new Output(io.stdout, io.stderr, outputOptions(options, io));
      context = new Context(io, out, { signal, store: options.store });
      exit = (await work(context, ...args)) ?? EXIT.done;
    };
  addVerbs(program, action);
  try {
    signal.throwIfAborted();
    await program.parseAsync([...argv], { from: "user" });
    await out.flush();
    if (outputFailure) throw outputFailure;
    return exit;
  } catch (error) {
    // Whatever broke off because of the signal, the signal is the reason.
    return tell(signal.aborted ? signal.reason : error, out, context?.isChanging ?? false);
  } finally {
    out.stopProgress();
    signal.removeEventListener("abort", onAbort);
    io.stdout.off("error", onError);
  }
}

interface GlobalOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly full?: boolean;
  readonly progress?: boolean;
  readonly store?: string;
}

function outputOptions({ json = false, quiet = false, full = false, progress = true }: GlobalOptions, { env }: Io) {
  return { json, quiet, full, progress, env };
}

function newProgram({ stdout, stderr }: Io): Command {
  return new Command("ocistore")
    .description("Keep, explain and safely delete OCI content: images, artifacts and what refers to them.")
    .usage("VERB [WORD…] [OPTION…]")
    .option("--json", "one JSON object a line instead of text")
    .option("-q, --quiet", "say nothing on stderr but errors and questions")
    .option("--no-progress", "draw no progress on a terminal")
    .option("--full", "shorten nothing: whole digests, rows uncut")
    .option("--store <place>", "the store of bare references; else OCISTORE_STORE")
    .version(packageVersion(), "-V, --version", "which ocistore this is")
    .helpOption("-h, --help", "what there is to know about a verb")
    .helpCommand("help [verb]", "what there is to know about a verb")
    .showHelpAfterError(false)
    .configureHelp({
      showGlobalOptions: true,
      // What a verb takes is in its own help; what the parts of a verb take tells them from each other.
      subcommandTerm: (verb) =>
        verb.parent?.parent ? `${verb.name()} ${verb.usage()}` : [verb.name(), ...verb.aliases()].join(", "),
      styleTitle: (title) => (title === "Global Options:" ? "Options of every verb:" : title),
      styleOptionDescription: (text) => text.replace(/ \(default: \[\]\)$/, ""),
    })
    .configureOutput({
      getOutHelpWidth: () => stdout.columns ?? 80,
      getErrHelpWidth: () => stderr.columns ?? 80,
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      outputError: () => {},
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride();
}

function tell(error: unknown, out: Output, isChanging: boolean): number {
  const { exit, code, message, hint, data } = reportOf(error, isChanging);
  if (code === undefined) return exit;
  const line = hint ? `ocistore: ${oneLine(message)} — ${oneLine(hint)}` : `ocistore: ${oneLine(message)}`;
  out.say({ error: { code, message, ...(hint && { hint }), ...data } }, line);
  return exit;
}

const oneLine = (text: string) => text.replace(/\s*\n\s*/g, " ");
