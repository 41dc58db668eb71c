import type { Scenario } from "../scenario.ts";
import { survive } from "../survive.ts";
import { Clock, type Place, Process } from "../world.ts";
import { type Call, NonDurableDisk } from "./disk.ts";
import { afterLoss, fingerprint, type Loss, lossesOf, NOTHING } from "./losses.ts";

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
    readonly lossesOf?: (disk: NonDurableDisk, random: () => number) => readonly Loss[];
    readonly random: () => number;
    readonly death: "power" | "process";
    readonly lock?: "link";
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
    const losses = o.death === "power" ? lossesOf(durable, o.random) : [NOTHING];
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
  const process = new Process(placeOn(durable, clock), o.lock);
  for (const step of scenario.steps) {
    await step.run(process);
    acknowledged++;
    note(undefined);
  }
  for (const each of left.values()) await inspect(scenario, each, o.death);
  return { calls, wrecks: left.size };
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
