import process from "node:process";
import type { Command } from "commander";
import type { Action } from "../run.ts";
import { packageVersion } from "../version.ts";

export function addVersion(program: Command, action: Action): void {
  program
    .command("version")
    .description("which ocistore this is")
    .action(
      action(async ({ out }) => {
        const version = packageVersion();
        out.result({ version, node: process.version }, `ocistore ${version} (node ${process.version})`);
      }),
    );
}
