import { checkedPolicy, type Policy } from "@ocistore/core";
import { type Command, InvalidArgumentError } from "commander";
import type { Context } from "../context.ts";
import { formatDuration, parseDuration } from "../duration.ts";
import { usage } from "../errors.ts";
import { describeRule, readRules } from "../retention.ts";
import type { Action } from "../run.ts";

const SETTING = /^([a-z]+)=(.*)$/s;

export function addConfig(program: Command, action: Action): void {
  const config = program.command("config").description("the policy that is kept in a store, and all who use it follow");
  config
    .command("get")
    .description("what it is")
    .argument("[place]", "oci:DIR")
    .action(
      action(async (context, text: string | undefined) => {
        await context.with(context.place(text), { write: false }, async (store) => {
          print(context, await store.policy({ signal: context.signal }));
        });
      }),
    );
  config
    .command("set")
    .description("change some of it: grace, window, wait, untagged (a duration, or `never`), retention=none")
    .argument("[words...]", "oci:DIR, and key=value for each that changes")
    .option("--retention <file>", "rules about tags, a list in JSON")
    .action(
      action(async (context, words: string[], o: { retention?: string }) => {
        const [first = ""] = words;
        // Without a place the first word is a setting, and the store is named elsewhere.
        const settings = SETTING.test(first) ? words : words.slice(1);
        const place = context.place(SETTING.test(first) ? undefined : words[0]);
        const changes = settings.map(changeOf);
        const rules = o.retention === undefined ? undefined : await readRules(context, o.retention);
        if (changes.length === 0 && !rules) throw usage("nothing is set", "config set oci:DIR grace=1h window=7d");
        await context.with(place, { write: true }, async (store) => {
          const before = await store.policy({ signal: context.signal });
          let policy: Policy = rules ? { ...before, retention: rules } : before;
          for (const change of changes) policy = change(policy);
          context.isChanging = true;
          await store.setPolicy(policy, { signal: context.signal });
          print(context, checkedPolicy(policy));
        });
      }),
    );
}

function changeOf(setting: string): (policy: Policy) => Policy {
  const [, key = "", value = ""] = SETTING.exec(setting) ?? [];
  switch (key) {
    case "grace":
    case "window":
    case "wait": {
      const ms = durationOf(setting, value);
      return (policy) => ({ ...policy, [key]: ms });
    }
    case "untagged": {
      const ms = value === "never" ? undefined : durationOf(setting, value);
      return (policy) => ({ ...policy, untagged: ms });
    }
    case "retention":
      if (value !== "none") throw usage(`${setting}: rules come from a file`, "--retention FILE, or retention=none");
      return (policy) => ({ ...policy, retention: undefined });
    default:
      throw usage(
        `${setting} sets nothing that there is`,
        "key=value; the keys are grace, window, wait, untagged and retention",
      );
  }
}

function durationOf(setting: string, value: string): number {
  try {
    return parseDuration(value);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw usage(`${setting}: not a duration`, error.message);
  }
}

function print({ out }: Context, policy: Policy): void {
  out.object({ policy });
  const { grace, window, wait, untagged, retention = [], foreign } = policy;
  out.text(`grace      ${formatDuration(grace)}`);
  out.text(`window     ${formatDuration(window)}`);
  out.text(`wait       ${formatDuration(wait)}`);
  out.text(`untagged   ${untagged === undefined ? "never" : formatDuration(untagged)}`);
  if (retention.length === 0) out.text("retention  none");
  for (const [at, rule] of retention.entries()) {
    out.text(`${at === 0 ? "retention" : "         "}  ${at + 1}. ${describeRule(rule)}`);
  }
  if (foreign) out.note({ foreign: true }, "another tool made this layout; `config set` makes it ours");
}
