import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { isOciStoreError, type Outcome, type Plan, planLines, planTotals, readPlan, type Store } from "@ocistore/core";
import { canAsk, confirm } from "./confirm.ts";
import { type Context, explained } from "./context.ts";
import { CliError, EXIT, notFound, refused, usage } from "./errors.ts";
import { bar, count, size } from "./output/words.ts";
import { formatPlace, type Place } from "./place.ts";
import {
  dueOutcomes,
  expectedOutcome,
  OutcomePrinter,
  plannedLine,
  printSummary,
  uploadsGivenUp,
} from "./plan-output.ts";
import { writeWhole } from "./write-whole.ts";

/** Flags that rm and gc share. */
export interface PlanOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly savePlan?: string;
  readonly apply?: string;
  /** Stop after so many ms. */
  readonly maxTime?: number;
}

/** Checks what goes with what; `others` are the flags and words that choose what goes. */
export function checkPlanOptions(o: PlanOptions, others: readonly string[]): void {
  if (o.apply === undefined) return;
  const beside = [...others, ...(o.savePlan === undefined ? [] : ["--save-plan"]), ...(o.dryRun ? ["-n"] : [])];
  if (beside.length > 0)
    throw usage(
      `--apply takes nothing beside it, and there is ${beside.join(", ")}`,
      "a saved plan says itself what goes",
    );
}

export function isDryRun(o: PlanOptions): boolean {
  return o.dryRun === true || o.savePlan !== undefined;
}

/** Says what stays, and why. */
export type Remarks = () => void;

/** Shows or does what a fresh plan says. */
export async function carryOut(
  context: Context,
  { store, plan, place, remarks, o }: { store: Store; plan: Plan; place: Place; remarks: Remarks; o: PlanOptions },
): Promise<void> {
  remarkExpired(context, plan);
  if (isDryRun(o)) {
    if (o.savePlan !== undefined) await savePlan(context, plan, o.savePlan);
    remarks();
    const printer = new OutcomePrinter(context, plan);
    const outcome = expectedOutcome(plan);
    if (plan.header.kind === "collect") {
      for (const due of await dueOutcomes(store, context.clock.now(), context.signal)) printer.tell(due);
    }
    for (const item of plan.items) printer.tell({ ...item, outcome });
    printer.end();
    printSummary(context, printer, plan.kept.length, { dryRun: true });
    return;
  }
  remarks();
  if (!o.yes) await ask(context, plan);
  await apply(context, store, plan, place, o);
}

/** The tags that rules take away, and which rule. */
function remarkExpired({ out }: Context, { header }: Plan): void {
  for (const { name, digest, reason } of header.expired ?? []) {
    out.note({ untagged: name, digest, because: reason }, `the tag ${name} goes, which is on ${digest}: ${reason}`);
  }
}

/** More of a plan than a screen has nobody reads. */
const SHOWN = 40;

async function ask(context: Context, plan: Plan): Promise<void> {
  const steps = plan.header.changes.reduce((sum, each) => sum + each.steps.length, 0);
  if (plan.items.length + steps === 0) return;
  const outcome = expectedOutcome(plan);
  const { out } = context;
  for (const item of plan.items.slice(0, SHOWN))
    out.sayRow({ planned: item.digest }, ...plannedLine(out, outcome, item));
  if (plan.items.length > SHOWN) out.say({}, `and ${plan.items.length - SHOWN} more: -n lists them all`);
  const { removed, bytes } = planTotals(plan);
  const what =
    removed === 0
      ? "No bytes go, only what is said above"
      : `${count(removed, "digest")}, ${size(bytes)} to be ${outcome}`;
  await confirm(context, `${what}. Go on?`);
}

async function apply(
  context: Context,
  store: Store,
  plan: Plan,
  place: Place,
  { maxTime }: PlanOptions,
): Promise<void> {
  const printer = new OutcomePrinter(context, plan);
  let done = 0;
  context.isChanging = true;
  const onOutcome = (outcome: Outcome) => {
    done += 1;
    context.out.progress(() => `${bar(done, plan.items.length)} ${done} of ${count(plan.items.length, "digest")}`);
    printer.tell(outcome);
  };
  try {
    const receipt = await store.apply(plan, { signal: context.signal, onOutcome, maxTime });
    printer.end();
    const uploads = uploadsGivenUp(receipt);
    if (uploads > 0) context.out.note({ uploads }, `gave up ${count(uploads, "unfinished upload")}`);
    if (plan.header.hold > 0) await remarkUndo(context, store, receipt.run, place);
  } catch (error) {
    printer.end();
    throw explained(error, place);
  }
  printSummary(context, printer, plan.kept.length);
}

async function remarkUndo({ out, signal }: Context, store: Store, run: string, place: Place): Promise<void> {
  for await (const each of store.trash({ signal })) {
    if (each.run !== run) continue;
    const until = new Date(each.until).toISOString();
    out.note({ run, until }, `\`ocistore undo ${run} ${formatPlace(place)}\` brings it back until ${until}`);
  }
}

async function savePlan(context: Context, plan: Plan, file: string): Promise<void> {
  await writeWhole(resolve(context.io.cwd, file), textOf(plan));
  context.out.note({ saved: file }, `the plan is in ${file}; --apply ${file} does it`);
}

async function* textOf(plan: Plan): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode([...planLines(plan)].join(""));
}

/** Does what a saved plan says, if it still may. */
export async function applySaved(
  context: Context,
  { store, place, kind, o }: { store: Store; place: Place; kind: Plan["header"]["kind"]; o: PlanOptions },
): Promise<void> {
  const file = o.apply!;
  const plan = await readSaved(context, file);
  if (plan.header.kind !== kind) {
    const verb = kind === "delete" ? "gc" : "rm";
    throw refused(`${file} is a plan of \`ocistore ${verb}\``, `\`ocistore ${verb} --apply\` takes it`);
  }
  try {
    if (plan.header.store !== (await store.parts.catalog.identity({ signal: context.signal }))) {
      throw refused(`${file} was made for another store`, "make a new plan with --save-plan");
    }
    remarkExpired(context, plan);
    if (!o.yes && canAsk(context)) await ask(context, plan);
    await apply(context, store, plan, place, o);
  } catch (error) {
    if (!isOciStoreError((error as Error)?.cause ?? error, "CONFLICT", "NOT_FOUND", "IN_USE", "MANIFEST_INVALID"))
      throw error;
    const why = (error as Error).message;
    throw new CliError("REFUSED", EXIT.refused, `the store is not as it was when ${file} was made: ${why}`, {
      hint: "make a new plan with --save-plan",
      cause: error,
    });
  }
}

async function readSaved({ io, signal }: Context, file: string): Promise<Plan> {
  try {
    return await readPlan(createReadStream(resolve(io.cwd, file), { signal }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw notFound(`no such file: ${file}`);
    if (!isOciStoreError(error)) throw error;
    throw new CliError("REFUSED", EXIT.refused, `${file}: ${error.message}`, {
      hint: "make a new plan with --save-plan",
      cause: error,
    });
  }
}
