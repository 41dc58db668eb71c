import process from "node:process";
import { run } from "./run.ts";
import { watchSignals } from "./signals.ts";

export { type Io, run } from "./run.ts";

/** The command on this process: its arguments, its streams, its signals, its exit code. */
export async function main(): Promise<void> {
  const signals = watchSignals();
  const { stdin, stdout, stderr, env } = process;
  // run() sees to what stdout reports; what comes after its end, or of stderr, must not end the process with a trace.
  for (const stream of [stdout, stderr]) stream.on("error", () => {});
  process.exitCode = await run(process.argv.slice(2), {
    stdin,
    stdout,
    stderr,
    env,
    cwd: process.cwd(),
    signal: signals.signal,
  });
  signals.close();
}
