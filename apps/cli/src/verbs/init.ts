import { initLayout, OWN_POLICY, SHARED_POLICY } from "@ocistore/backend-fs";
import { type Command, Option } from "commander";
import { onlyRead } from "../archive-errors.ts";
import { addCatalog } from "../catalog.ts";
import { formatDuration, parseDuration } from "../duration.ts";
import { dim } from "../output/line.ts";
import type { Action } from "../run.ts";

interface Options {
  readonly shared?: boolean;
  readonly grace?: number;
  readonly window?: number;
  readonly catalog?: "sqlite";
}

export function addInit(program: Command, action: Action): void {
  program
    .command("init")
    .description("make an empty store, an OCI image layout, in a directory that is empty or not there yet")
    .argument("[place]", "a directory, or oci:DIR")
    .option("--shared", "several people or machines push to it: 24h of grace, 24h of window")
    .addOption(
      new Option("--grace <duration>", "below this age gc leaves alone what nothing keeps").argParser(parseDuration),
    )
    .addOption(
      new Option("--window <duration>", "so long what was removed can be brought back").argParser(parseDuration),
    )
    .addOption(new Option("--catalog <kind>", "keep the record of it in a database").choices(["sqlite"]))
    .action(
      action(async (context, text: string | undefined, o: Options) => {
        const place = context.place(text);
        if (place.scheme === "oci-archive") throw onlyRead(place);
        const { grace, window, wait } = o.shared ? SHARED_POLICY : OWN_POLICY;
        const policy = { grace: o.grace ?? grace, window: o.window ?? window, wait };
        await initLayout(place.directory, { policy, env: context.clock });
        if (o.catalog) await addCatalog(place.directory, { env: context.clock, signal: context.signal });
        const words = `grace ${formatDuration(policy.grace)}, window ${formatDuration(policy.window)}`;
        context.out.result(
          { initialized: place.directory, policy, ...(o.catalog && { catalog: o.catalog }) },
          `oci:${place.written}  `,
          dim(words),
        );
      }),
    );
}
