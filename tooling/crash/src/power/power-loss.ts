import type { Scenario } from "../scenario.ts";
import { survive } from "../survive.ts";
import { Clock, type Place, Process } from "../world.ts";
import { type Call, NonDurableDisk } from "./disk.ts";
import { afterLoss, EVERYTHING, fingerprint, lossesOf, NOTHING } from "./losses.ts";

const START = 1_764_000_000_000;
const DIRECTORY = "/layout";

interface Left {
  readonly disk: NonDurableDisk;
  readonly acknowledged: number;
  readonly clock: number;
  readonly at: string;
}

export interface Tried {
  readonly calls: number;
  readonly wrecks: number;
}

/** Power goes before each call of the scenario, and after the last; or only the process is killed. */
export async function crashEverywhere(
  scenario: Scenario,
  o: {
    readonly random: () => number;
    readonly death: "power" | "process";
  },
): Promise<Tried> {
  const clock = new Clock(() => START, 1);
  const disk = new NonDurableDisk(() => clock.now());
  const place = placeOn(disk, clock);
  await scenario.prepare(place);
  const durable = afterLoss(disk, () => clock.now(), NOTHING);

  const left = new Map<string, Left>();
  let [calls, acknowledged] = [0, 0];
  const note = (call: Call | undefined) => {
    const losses = o.death === "power" ? lossesOf(durable, o.random, call === undefined) : [NOTHING];
    const at = call ? `before call ${calls}, ${call.name} ${call.path}` : "at the end";
    for (const loss of losses) {
      const after = afterLoss(durable, () => START, loss);
      const key = `${acknowledged} ${fingerprint(after)}`;
      if (!left.has(key)) left.set(key, { disk: after, acknowledged, clock: clock.offset, at });
    }
  };
  durable.onCall = (call) => {
    calls++;
    note(call);
  };
  const process = new Process(placeOn(durable, clock));
  for (const step of scenario.steps) {
    await step.run(process);
    acknowledged++;
    note(undefined);
  }
  for (const each of left.values()) await inspect(scenario, each, o.death);
  return { calls, wrecks: left.size };
}

/**
 * A process is killed before each call of the scenario; another one does all of it, is told so, and then the power fails, and takes
 * all that it may. So what the second was told must not rest on what the first has left.
 */
export async function crashTwice(scenario: Scenario): Promise<Tried> {
  let calls = 0;
  for (let isOver = false; !isOver; calls++) {
    const clock = new Clock(() => START, 1);
    const made = new NonDurableDisk(() => clock.now());
    await scenario.prepare(placeOn(made, clock));
    const disk = afterLoss(made, () => clock.now(), NOTHING);
    let [count, at] = [0, "at the end"];
    const killed = new Promise<void>((resolve) => {
      disk.onCall = (call) => {
        if (count++ < calls) return;
        at = `before call ${calls}, ${call.name} ${call.path}`;
        resolve();
        return new Promise<never>(() => {});
      };
    });
    const first = run(scenario, new Process(placeOn(disk, clock), "link"));
    isOver = await Promise.race([first.then(() => true), killed.then(() => false)]);
    disk.onCall = () => {};
    await run(scenario, new Process(placeOn(disk, clock), "link"));
    const after = afterLoss(disk, () => START, EVERYTHING);
    const acknowledged = scenario.steps.length;
    await inspect(
      scenario,
      { disk: after, acknowledged, clock: clock.offset, at: `${at}, and again by another` },
      "power",
    );
  }
  return { calls, wrecks: calls };
}

async function run({ steps }: Scenario, process: Process): Promise<void> {
  for (const step of steps) await step.run(process);
}

async function inspect(
  scenario: Scenario,
  { disk, acknowledged, clock: offset, at }: Left,
  death: "power" | "process",
): Promise<void> {
  const copy = (): Place => {
    const clock = new Clock(() => START, 2, offset);
    return placeOn(
      afterLoss(disk, () => clock.now(), NOTHING),
      clock,
    );
  };
  try {
    await survive(scenario, { place: copy(), copy, acknowledged, death });
  } catch (error) {
    const step = scenario.steps[acknowledged]?.name ?? "nothing";
    throw new Error(
      `${scenario.name}: ${acknowledged} steps acknowledged, ${step} under way, ended ${at}: ${error}\n${listed(disk)}`,
      {
        cause: error,
      },
    );
  }
}

function placeOn(disk: NonDurableDisk, clock: Clock): Place {
  return { directory: DIRECTORY, clock, fileSystem: (scope) => disk.fileSystem(scope) };
}

/** What lies on the disk, for people. */
function listed({ root }: NonDurableDisk): string {
  const lines: string[] = [];
  const visit = (path: string, directory: typeof root) => {
    for (const [name, node] of directory.entries) {
      if (node.kind === "directory") visit(`${path}/${name}`, node);
      else lines.push(`  ${path}/${name} (${node.now.bytes.length} bytes)`);
    }
  };
  visit("", root);
  return lines.sort().join("\n");
}
