import { isDeepStrictEqual } from "node:util";
import type { Store } from "@ocistore/core";
import { isOciStoreError, OciStoreError } from "@ocistore/core";
import {
  type Call,
  type Fault,
  type FaultyFileSystem,
  faultyFileSystem,
} from "../../../packages/backend-fs/test/support/faulty-file-system.ts";
import { HOUR } from "../../../packages/backend-fs/test/support/world.ts";
import { CODES, type Errno } from "./codes.ts";
import { furnished, type Operation } from "./operations.ts";
import { LAYOUT, type Process, Scene } from "./scene.ts";
import { type State, stateOf } from "./state.ts";

/** What an operation does and leaves when nothing fails. */
export interface Baseline {
  readonly template: Scene;
  readonly calls: readonly Call[];
  readonly result: unknown;
  readonly before: State;
  readonly after: State;
  /** Once all that has no use any more has been collected. */
  readonly cleared: State;
}

let empty: Promise<Scene> | undefined;

async function layout(): Promise<Scene> {
  const scene = new Scene();
  await furnished(scene);
  return scene;
}

export async function baselineOf(operation: Operation): Promise<Baseline> {
  empty ??= layout();
  const template = new Scene(await empty);
  if (operation.prepare) {
    const store = await template.process().open();
    await operation.prepare(template, store);
    await store.close();
  }
  const before = stateOf(template.disk);
  const { scene, process, store, faulty } = await begun(operation, template);
  faulty.arm();
  const result = await operation.run(process, store!);
  const { calls } = faulty;
  faulty.arm();
  const after = stateOf(scene.disk);
  const cleared = await clear(scene);
  return { template, calls, result, before, after, cleared };
}

async function begun(operation: Operation, template: Scene) {
  const scene = new Scene(template);
  let faulty!: FaultyFileSystem;
  const process = scene.process({
    locked: operation.locked ?? false,
    through: (disk) => {
      faulty = faultyFileSystem(disk);
      return faulty;
    },
  });
  const store = operation.opens ? undefined : await process.open();
  return { scene, process, store, faulty };
}

export interface Strike {
  readonly fault: Fault & { readonly code: Errno | "SHORT" };
  /** Who tries again when the cause has gone: the same process, with the store that it has open, or another one. */
  readonly by: "same" | "another";
  /** Whether to look at what is left after a collection too. */
  readonly clear: boolean;
}

/** @throws what is not as it should be, in words. */
export async function strike(operation: Operation, baseline: Baseline, { fault, by, ...o }: Strike): Promise<void> {
  const { scene, process, store, faulty } = await begun(operation, baseline.template);
  faulty.arm(fault);
  let error: unknown;
  let result: unknown;
  try {
    result = await operation.run(process, store!);
  } catch (caught) {
    error = caught ?? new Error("nothing was thrown");
  }
  if (faulty.hits === 0) throw new Error("the call was not made this time");
  if (faulty.openHandles !== 0) throw new Error(`${faulty.openHandles} handles are open`);
  if (error !== undefined) mustBeHonest(error, fault.code, operation);
  else mustBeDone(operation, baseline, result, stateOf(scene.disk));
  const left = stateOf(scene.disk);
  mustHold(operation, baseline, left);

  faulty.arm();
  if (by === "another") process.die();
  const next = by === "same" ? process : scene.process({ locked: operation.locked ?? false });
  const again = by === "same" ? store : operation.opens ? undefined : await next.open();
  await runAgain(operation, next, again!);
  if (faulty.openHandles !== 0) throw new Error(`${faulty.openHandles} handles are open in the end`);
  const state = stateOf(scene.disk);
  mustEqual("tags in the end", state.tags, baseline.after.tags);
  // One that is on its way out holds until the next change.
  const pins = Object.entries(state.pins).filter(([name]) => !name.startsWith("~"));
  mustEqual("pins in the end", Object.fromEntries(pins), baseline.after.pins);
  mustEqual("broken in the end", state.broken, baseline.after.broken);
  if (!o.clear) return;
  // What a living process has not given back nobody else takes from it.
  const cleared = await clear(scene, by === "same" ? again : undefined);
  mustEqual("files after a collection", cleared.blobs, baseline.cleared.blobs);
  // What lies outside the layout nobody but its maker takes away, and he could not.
  const ours = ({ others }: State) =>
    others.filter((path) => isOfNoUse(path) && (!fault.always || path.startsWith(LAYOUT)));
  mustEqual("other files after a collection", ours(cleared), ours(baseline.cleared));
}

/** Our error, of the code that the platform's stands for, with a path and the cause. */
function mustBeHonest(error: unknown, errno: Errno | "SHORT", { plans }: Operation): void {
  if (!isOciStoreError(error)) throw new Error(`not our error: ${text(error)}`, { cause: error });
  if (plans && error.code === "IN_USE") return;
  if (errno === "SHORT") throw new Error(`it failed: ${text(error)}`, { cause: error });
  if (error.code !== CODES[errno])
    throw new Error(`${error.code}, not ${CODES[errno]}: ${text(error)}`, { cause: error });
  if (typeof error.data.path !== "string") throw new Error(`no path: ${text(error)}`, { cause: error });
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && cause.code === errno) return;
  }
  throw new Error(`without the cause: ${text(error)}`, { cause: error });
}

/** Who says that it is done has done it, or says what it has not. */
function mustBeDone(operation: Operation, baseline: Baseline, result: unknown, state: State): void {
  mustEqual("tags", state.tags, baseline.after.tags);
  mustEqual("pins", state.pins, baseline.after.pins);
  if (!operation.reports) mustEqual("the answer", result, baseline.result);
}

/** Each tag is where it was or where it was to be, and all of it is there. */
function mustHold({ changesNothing }: Operation, { before, after }: Baseline, left: State): void {
  for (const what of ["tags", "pins"] as const) {
    for (const name of new Set([
      ...Object.keys(before[what]),
      ...Object.keys(after[what]),
      ...Object.keys(left[what]),
    ])) {
      const [was, is, wanted] = [before[what][name], left[what][name], after[what][name]];
      // A pin that is about to go holds on under a name of its own until index.json has followed.
      if (what === "pins" && name.startsWith("~") && is === before.pins[name.slice(1)]) continue;
      if (is !== was && is !== wanted) throw new Error(`${what}: ${name} was ${was}, is ${is}, and not ${wanted}`);
    }
  }
  const broken = left.broken.filter((each) => !before.broken.includes(each));
  if (broken.length > 0) throw new Error(`broken: ${broken}`);
  if (changesNothing) mustEqual("files", left, before);
}

async function runAgain(operation: Operation, process: Process, store: Store): Promise<void> {
  const { scene } = process;
  try {
    await operation.run(process, store);
  } catch (error) {
    if (operation.over?.(error, stateOf(scene.disk))) return;
    // A collector that does not know whether it has given its lease back keeps the next one waiting until it ends.
    if (!isOciStoreError(error, "LOCKED") || !scene.disk.content(`${LAYOUT}/.ocistore/leases.json`)) throw error;
    scene.clock.advance(HOUR / 4);
    await operation.run(process, store);
  }
}

/** What is left of it all after a collection, hours later. */
async function clear(scene: Scene, same?: Store): Promise<State> {
  scene.clock.advance(3 * HOUR);
  const store = same ?? (await scene.process().open());
  await store.collect({ grace: 0 });
  await store.close();
  return stateOf(scene.disk);
}

/** But for the losses, which are remembered for a week, and for what a repair has set aside, each time that it was tried. */
function isOfNoUse(path: string): boolean {
  return !path.endsWith("/lost.json") && !path.includes("/.ocistore/damaged/");
}

function mustEqual(what: string, actual: unknown, expected: unknown): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new Error(`${what}: ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`);
}

function text(error: unknown): string {
  return error instanceof OciStoreError ? `${error.code} ${error.message}` : String(error);
}
