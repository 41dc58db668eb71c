import { digestOf, isOciStoreError, type Ms, type Store } from "@ocistore/core";
import { DOCUMENTS, KEPT, NAMES, put, TOP } from "./content.ts";
import { type Decisions, Recorder, type Schedule } from "./decisions.ts";
import { Model } from "./model.ts";
import { noted } from "./noted.ts";
import { type Actor, type Operation, perform } from "./operations.ts";
import type { Process } from "./process.ts";
import { type Risks, Simulation } from "./simulation.ts";
import type { Trace } from "./trace.ts";
import type { Ground, Prepared, Variant } from "./variants/variant.ts";
import { verify } from "./verify.ts";

const HOUR = 60 * 60_000;
const START = 1_764_000_000_000;

/**
 * What is there before a run. `empty`: nothing. `furnished`: images, all old, of which `c` has lost its tag. `tagged`: it has
 * not. `signed`: it has a signature besides. `trash`: it is in the trash. `deep`: indexes that are nested 40 levels deep.
 */
type Beginning = "empty" | "furnished" | "tagged" | "signed" | "trash" | "deep";

/** What processes do in a run, each its operations one after another. */
export interface Play {
  readonly beginning: Beginning;
  readonly scripts: readonly Script[];
  readonly risks?: Risks | undefined;
  /** Every process has opened the store before the first of them does anything else. */
  readonly isOpen?: boolean | undefined;
}

interface Script {
  readonly name: string;
  readonly operations: readonly Operation[];
  /** If it is killed, another process takes up what it has not begun. */
  readonly restarts?: boolean | undefined;
}

export interface Outcome {
  readonly trace: Trace;
  readonly schedule: Schedule;
  readonly steps: number;
  /** Why the run has failed. */
  readonly failure: unknown;
}

/**
 * Runs a play once, as `decisions` say, and looks at what it leaves.
 *
 * @param judged What other runs have left and was found good. What comes to the same is not looked at again.
 */
export async function run(
  variant: Variant,
  play: Play,
  decisions: Decisions,
  { seed = 1, judged }: { readonly seed?: number; readonly judged?: Set<string> | undefined } = {},
): Promise<Outcome> {
  const prepared = await preparedFor(variant, play.beginning);
  const recorder = new Recorder(decisions);
  const simulation = new Simulation({
    seed,
    decisions: recorder,
    risks: play.risks,
    startsAt: prepared.now,
    names: NAMES,
  });
  const outcome = (failure: unknown): Outcome => ({
    trace: simulation.trace,
    schedule: recorder.schedule,
    steps: simulation.steps,
    failure,
  });
  const ground = prepared.begin(simulation);
  try {
    const model = modelOf(simulation, play.beginning);
    const work = play.scripts.map((script) => live(simulation, ground, model, { ...script, isOpen: play.isOpen }));
    await Promise.race([simulation.run(work), failureOf(work)]);
    simulation.exit();
    const state = judged && (await ground.state?.());
    const left = state && digestOf(Buffer.from(`${state}\n${simulation.now}\n${model.expected}`));
    if (left && judged.has(left)) return outcome(undefined);
    const examiner = simulation.process("examiner");
    examiner.isFree = true;
    await verify(model, await ground.open(examiner), ground, examiner);
    if (left) judged.add(left);
    return outcome(undefined);
  } catch (error) {
    return outcome(error);
  } finally {
    ground.close?.();
  }
}

/** Rejects with the first that fails; never resolves. */
function failureOf(work: readonly Promise<unknown>[]): Promise<never> {
  return new Promise((_, reject) => {
    for (const each of work) each.catch(reject);
  });
}

/** One process after another, if they are killed. */
async function live(
  simulation: Simulation,
  ground: Ground,
  model: Model,
  script: Script & Pick<Play, "isOpen">,
): Promise<void> {
  let begun = 0;
  for (let life = 0; begun < script.operations.length; life++) {
    const process = simulation.process(life === 0 ? script.name : `${script.name}.${life}`);
    const died = new Promise<"died">((resolve) => simulation.onDeath((dead) => dead === process && resolve("died")));
    const work = async () => {
      process.isFree = script.isOpen ?? false;
      const store = await opened(simulation, ground, process);
      process.isFree = false;
      if (!store) return;
      const actor: Actor = { process, store, repository: store.repository(), model };
      while (begun < script.operations.length) await perform(actor, script.operations[begun++]!);
    };
    if ((await Promise.race([work(), died])) !== "died" || !script.restarts) return;
  }
}

/** `undefined` if it could not be opened for a failure that was injected; the process gives up then. */
async function opened(simulation: Simulation, ground: Ground, process: Process): Promise<Store | undefined> {
  try {
    return await noted(await ground.open(process), process);
  } catch (error) {
    if (simulation.faults === 0 || !isOciStoreError(error)) throw error;
    process.note(`cannot open the store: ${error.code}`);
    return undefined;
  }
}

function modelOf(simulation: Simulation, beginning: Beginning): Model {
  const model = new Model(simulation);
  if (beginning === "empty") return model;
  if (beginning === "deep") {
    model.history.initially("top", TOP.digest);
    return model;
  }
  const { a, b, c, i } = DOCUMENTS;
  const isTagged = beginning === "tagged" || beginning === "signed";
  for (const [tag, { digest }] of Object.entries({ a, b, i, ...(isTagged && { c }) })) {
    model.history.initially(tag, digest);
  }
  if (beginning === "trash") model.take("c", c.digest);
  model.kept.add(KEPT[3]!);
  return model;
}

const preparations = new Map<string, Promise<Prepared>>();

function preparedFor(variant: Variant, beginning: Beginning): Promise<Prepared> {
  const key = `${variant.name}, ${beginning}`;
  const present =
    preparations.get(key) ?? variant.prepare(START, (store, advance) => furnish(store, advance, beginning));
  preparations.set(key, present);
  return present;
}

async function furnish(store: Store, advance: (ms: Ms) => void, beginning: Beginning): Promise<void> {
  if (beginning === "empty") return;
  const repository = store.repository();
  await repository.session(async (session) => {
    if (beginning === "deep") return put(session, TOP, ["top"]);
    const { a, b, c, i, sa, sc } = DOCUMENTS;
    for (const [tag, document] of Object.entries({ a, b, i, c })) await put(session, document, [tag]);
    await put(session, sa, []);
    await put(session, KEPT[3]!, []);
    if (beginning === "signed") await put(session, sc, []);
  });
  if (beginning === "furnished") await repository.untag("c");
  advance(2 * HOUR);
  if (beginning === "trash") await repository.delete("c", { window: 24 * HOUR });
  advance(HOUR);
}
