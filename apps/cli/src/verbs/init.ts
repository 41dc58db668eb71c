import { initLayout, OWN_POLICY, SHARED_POLICY } from "@ocistore/backend-fs";
import { type Command, Option } from "commander";
import { onlyRead } from "../archive-errors.ts";
import { addCatalog, mustHaveDatabase } from "../catalog.ts";
import { formatDuration, parseDuration } from "../duration.ts";
import { dim } from "../output/line.ts";
import type { Action } from "../run.ts";

interface Options {
  readonly shared?: boolean;
  readonly grace?: number;
  readonly window?: number;
  readonly catalog: "sqlite" | "none";
}

export function addInit(program: Command, action: Action): void {
  program
    .command("init")
    .description(
      "make an empty store, an OCI image layout with a catalog, in a directory that is empty or not there yet",
    )
    .argument("[place]", "a directory, or oci:DIR")
    .option("--shared", "several people or machines push to it: 24h of grace, 24h of window")
    .addOption(
      new Option("--grace <duration>", "below this age gc leaves alone what nothing keeps").argParser(parseDuration),
    )
    .addOption(
      new Option("--window <duration>", "so long what was removed can be brought back").argParser(parseDuration),
    )
    .addOption(
      new Option("--catalog <kind>", "where the record of it is kept: a database, or nowhere but in the layout itself")
        .choices(["sqlite", "none"])
        .default("sqlite"),
    )
    .action(
      action(async (context, text: string | undefined, o: Options) => {
        const place = context.place(text);
        if (place.scheme === "oci-archive") throw onlyRead(place);
        const { grace, window, wait } = o.shared ? SHARED_POLICY : OWN_POLICY;
        const policy = { grace: o.grace ?? grace, window: o.window ?? window, wait };
        const hasCatalog = o.catalog === "sqlite";
        // Before anything is made: a layout without the catalog that was asked for is not what was asked for.
        if (hasCatalog) await mustHaveDatabase("`--catalog none` makes a store without it");
        await initLayout(place.directory, { policy, env: context.clock });
        if (hasCatalog) await addCatalog(place.directory, { env: context.clock, signal: context.signal });
        const words = `grace ${formatDuration(policy.grace)}, window ${formatDuration(policy.window)}`;
        context.out.result(
          { initialized: place.directory, policy, catalog: o.catalog },
          `oci:${place.written}  `,
          dim(words),
        );
      }),
    );
}
