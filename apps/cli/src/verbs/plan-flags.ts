import type { Command } from "commander";

/** What every verb that deletes takes. */
export function planFlags(command: Command): Command {
  return command
    .option("-y, --yes", "do not ask")
    .option("-n, --dry-run", "print what it would print, and change nothing")
    .option("--save-plan <file>", "write down what would go, and change nothing")
    .option("--apply <file>", "do what a saved plan says, and no more");
}
