import { FURNISHED, furnish } from "../furnish.ts";
import type { Scenario } from "../scenario.ts";
import { described, observed, type State } from "../state.ts";
import { HOUR, type Place, type Process } from "../world.ts";

const { multi: _multi, ...withoutMulti } = FURNISHED.tags;
const { v1: _v1, ...withoutV1 } = FURNISHED.tags;
const OF_MULTI = ["multi", "amd64", "arm64", "signature"];

const DELETED: State = { ...FURNISHED, tags: withoutMulti, referrers: [], gone: OF_MULTI };
const UNTAGGED: State = { ...FURNISHED, tags: withoutV1 };
const COLLECTED: State = { ...UNTAGGED, gone: ["v1"] };

/** An image that lost its tag, longer ago than the grace. */
async function untagged(place: Place): Promise<Process> {
  const process = await furnish(place);
  await (await process.store()).repository().untag("v1");
  place.clock.advance(2 * HOUR);
  return process;
}

const collect = async (process: Process) => (await process.store()).collect({ grace: 0 });

/** Others may still write here without a lock, so what is collected lies in the trash for an hour. */
const WAITING = { grace: HOUR, window: 0, wait: HOUR };

async function waiting(place: Place): Promise<Process> {
  const process = await untagged(place);
  await (await process.store()).setPolicy(WAITING);
  return process;
}

/** As long as nothing of it has happened there is nothing to undo; from then on undoing it makes all as before. */
async function undoes(process: Process, found: State): Promise<void> {
  const store = await process.store();
  const runs: string[] = [];
  for await (const { run } of store.trash()) runs.push(run);
  if (found === DELETED && runs.length === 0) throw new Error("nothing can be undone");
  if (runs.length === 0) return;
  await store.undo();
  const now = await observed(store);
  if (now !== described(FURNISHED)) throw new Error(`undone, this is there:\n${now}`);
}

export const deletions: readonly Scenario[] = [
  {
    name: "delete",
    before: FURNISHED,
    prepare: async (place) => void (await furnish(place)),
    steps: [
      {
        name: "an index with all that it holds",
        after: DELETED,
        run: async (process) => (await process.store()).repository().delete("multi"),
      },
    ],
  },
  {
    name: "delete with a window",
    before: FURNISHED,
    prepare: async (place) => void (await furnish(place)),
    steps: [
      {
        name: "an index with all that it holds",
        after: DELETED,
        run: async (process) => (await process.store()).repository().delete("multi", { window: HOUR }),
      },
    ],
    besides: undoes,
  },
  {
    name: "undo",
    before: DELETED,
    prepare: async (place) => {
      const store = await (await furnish(place)).store();
      await store.repository().delete("multi", { window: HOUR });
    },
    steps: [{ name: "undo", after: FURNISHED, run: async (process) => (await process.store()).undo() }],
    besides: undoes,
  },
  {
    name: "empty the trash",
    before: DELETED,
    prepare: async (place) => {
      const store = await (await furnish(place)).store();
      await store.repository().delete("multi", { window: HOUR });
    },
    steps: [{ name: "empty", after: DELETED, run: async (process) => (await process.store()).emptyTrash() }],
  },
  {
    name: "collect",
    before: UNTAGGED,
    prepare: async (place) => void (await untagged(place)),
    steps: [{ name: "collect", after: COLLECTED, run: collect }],
  },
  {
    name: "collect into the trash",
    before: { ...UNTAGGED, policy: WAITING },
    prepare: async (place) => void (await waiting(place)),
    steps: [
      {
        name: "collect",
        after: { ...COLLECTED, policy: WAITING },
        run: async (process) => (await process.store()).collect(),
      },
    ],
  },
  {
    name: "collect what has waited",
    before: { ...COLLECTED, policy: WAITING },
    prepare: async (place) => {
      await (await (await waiting(place)).store()).collect();
      place.clock.advance(2 * HOUR);
    },
    steps: [{ name: "collect", after: { ...COLLECTED, policy: WAITING }, run: collect }],
  },
];
