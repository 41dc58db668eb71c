import { statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { initLayout, openLayout } from "@ocistore/backend-fs";
import type { Policy } from "@ocistore/core";
import { Chance } from "./chance.ts";
import { Journal } from "./journal.ts";
import { type Judgement, judge, progress } from "./judge.ts";
import { makeIndexed } from "./open.ts";
import { type Process, start } from "./processes.ts";
import { copying, makeForeign, makeSource } from "./skopeo.ts";
import { TAGS, type Worker } from "./work.ts";
import type { Task } from "./worker.ts";

export interface SoakOptions {
  /** An empty directory; the layout and the journals are in it afterwards. */
  readonly directory: string;
  readonly seconds: number;
  readonly seed: number;
  /** It goes on for longer, for four minutes at most, until each of these has been counted so often. */
  readonly least?: Readonly<Record<string, number>>;
  /** Beside a process that runs skopeo, on a layout that it has made. */
  readonly foreign?: boolean;
  /** On a layout with a catalog in SQLite beside it. */
  readonly catalog?: boolean;
}

type Role = Pick<Worker, "grace" | "window" | "duty">;

/** Everything that a process of ours holds a lease, a claim or a window for is over after so long. */
const OURS = { grace: 1500, window: 0, wait: 0 };
/** For a tool that honours no lock: longer than it takes between its look at a blob and its writing of index.json. */
const BESIDE_OTHERS = { grace: 8000, window: 8000, wait: 8000 };
const WITH_CATALOG = { grace: 1500, window: 2000, wait: 0 };

const ALL = { duty: "all", window: undefined } as const;
/** One collects at once whatever is garbage, another what has been so for a while, and two leave that to them. */
const FOUR: readonly Role[] = [0, OURS.grace, null, null].map((grace) => ({ ...ALL, grace }));
const FOUR_BESIDE_OTHERS: readonly Role[] = [undefined, undefined, null, null].map((grace) => ({
  ...ALL,
  grace,
  window: BESIDE_OTHERS.window,
}));
const PUSHER: Role = { duty: "push", grace: null, window: undefined };
const SIX_WITH_CATALOG: readonly Role[] = [
  PUSHER,
  PUSHER,
  PUSHER,
  { duty: "delete", grace: null, window: WITH_CATALOG.window },
  { duty: "collect", grace: 0, window: undefined },
  { duty: "collect", grace: WITH_CATALOG.grace, window: undefined },
];

const LONGER = 4 * 60_000;

/** Runs it, and judges what is left. The report names all that was wrong. */
export async function soak(o: SoakOptions): Promise<Judgement> {
  const { directory, seconds, seed, least = {}, foreign = false, catalog = false } = o;
  const layout = join(directory, "layout");
  const source = join(directory, "source");
  const journals = join(directory, "journals");
  await mkdir(journals);
  const policy = foreign ? BESIDE_OTHERS : catalog ? WITH_CATALOG : OURS;
  const roles = foreign ? FOUR_BESIDE_OTHERS : catalog ? SIX_WITH_CATALOG : FOUR;
  if (foreign) {
    await makeSource(source);
    await makeForeign(layout, source);
    await settle(layout, policy);
  } else if (catalog) await makeIndexed(layout, policy);
  else await initLayout(layout, { policy });

  const faults: string[] = [];
  const deaths = new Map<string, number>();
  const common = { directory: layout, journals, foreign, policyGrace: policy.grace };
  const launch = (name: string, own: number, role: Task["role"]) =>
    start({ ...common, name, role, seed: seed * 1000 + own }, (fault) => faults.push(fault));
  const worker = (slot: number, incarnation: number): Process =>
    launch(`worker-${slot}-${incarnation}`, slot * 200 + incarnation, {
      ...roles[slot]!,
      slot,
      incarnation,
    });

  const incarnations = roles.map(() => 0);
  const workers = incarnations.map((_, slot) => worker(slot, 0));
  const watchers = [launch("reader", 900, "read"), ...(foreign ? [launch("watcher", 901, "watch")] : [])];
  const until = Date.now() + seconds * 1000;
  let kills = 0;
  let isEnough = false;
  const isOver = () => (Date.now() >= until && (isEnough || Date.now() >= until + LONGER)) || faults.length > 0;
  const skopeo = foreign
    ? copying({
        source,
        directory: layout,
        journal: new Journal(join(journals, "skopeo.jsonl")),
        chance: new Chance(seed * 1000 + 902),
        tags: [...Array.from({ length: 8 }, (_, at) => `foreign-${at}`), ...TAGS.slice(0, 3)],
        isOver,
      })
    : 0;

  const chance = new Chance(seed);
  while (!isOver()) {
    if (Date.now() >= until) {
      const counts: Record<string, number> = { ...(await progress(journals)), kills };
      isEnough = Object.entries(least).every(([what, count]) => (counts[what] ?? 0) >= count);
    }
    await sleep(200 + chance.below(foreign ? 6000 : 3500));
    const slot = chance.below(roles.length);
    const victim = workers[slot]!;
    // On a machine that is busy nobody would ever get to work.
    if (isOver() || !hasBegun(journals, victim)) continue;
    deaths.set(victim.name, await victim.kill());
    kills += 1;
    workers[slot] = worker(slot, ++incarnations[slot]!);
  }
  const longestCopy = await skopeo;
  await Promise.all([...workers, ...watchers].map((each) => each.stop()));
  const judgement = await judge({ layout, journals, deaths, foreign, policy, longestCopy });
  const counts = { ...judgement.counts, kills };
  return { counts, findings: [...faults, ...judgement.findings] };
}

function hasBegun(journals: string, { name }: Process): boolean {
  return (statSync(join(journals, `${name}.jsonl`), { throwIfNoEntry: false })?.size ?? 0) > 0;
}

async function settle(layout: string, policy: Policy): Promise<void> {
  const store = await openLayout(layout);
  await store.setPolicy(policy);
  await store.close();
}
