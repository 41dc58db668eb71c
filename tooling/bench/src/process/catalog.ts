import { fork } from "node:child_process";
import { once } from "node:events";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { MEDIA_TYPES, type Session, type Store } from "@ocistore/core";
import { openWithCatalog } from "./subjects.ts";

// What is measured of a catalog, a process for each measurement: node catalog.js VERB DIR PROJECTION ARGUMENT. It says how long the work
// took, how long the event loop was held at the most meanwhile, and what closing took, in milliseconds.

/** Further figures of the work; `ms` replaces the whole time, where only a part of it counts. */
type Figures = Readonly<Record<string, number>>;
type Work = (store: Store, argument: string) => Promise<Figures>;

const VERBS: Readonly<Record<string, Work>> = {
  async push(store, count) {
    const took = await pushing(store, (taken) => taken.length >= Number(count));
    return { median: percentile(took, 0.5), p99: percentile(took, 0.99) };
  },
  async delete(store, tag) {
    await store.repository().delete(tag);
    return {};
  },
  async gc(store) {
    const { removed } = await store.collect({ grace: 0 });
    return { removed };
  },
  async full(store) {
    const { missed = [], items } = await store.planCollect({ grace: 0, full: true });
    return { missed: missed.length, items: items.length };
  },
  /** Pushes while another process collects, and while nobody does. */
  async beside(store, idle) {
    return latencies(store, Number(idle), async () => {
      const child = fork(fileURLToPath(import.meta.url), ["gc", directory, mode], {
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      });
      const [code] = await once(child, "exit");
      if (code !== 0) throw new Error(`the collection ended with ${code}`);
    });
  },
  /** The same in this process. */
  async within(store, idle) {
    return latencies(store, Number(idle), async () => void (await store.collect({ grace: 0 })));
  },
};

const WARM = 50;

async function latencies(store: Store, count: number, collect: () => Promise<void>): Promise<Figures> {
  await pushing(store, (taken) => taken.length >= WARM);
  const idle = await pushing(store, (taken) => taken.length >= count);
  let isOver = false;
  const collecting = collect().finally(() => {
    isOver = true;
  });
  const during = await pushing(store, () => isOver);
  await collecting;
  return {
    ms: percentile(during, 0.99),
    idle: percentile(idle, 0.99),
    idleMedian: percentile(idle, 0.5),
    duringMedian: percentile(during, 0.5),
    pushed: during.length,
  };
}

/** Small manifests, each with a tag and acknowledged before the next. @returns How long each took. */
async function pushing(store: Store, isEnough: (taken: readonly number[]) => boolean): Promise<number[]> {
  const taken: number[] = [];
  await store.repository().session(async (session) => {
    const config = await session.putBlob(new TextEncoder().encode("{}"));
    while (!isEnough(taken)) {
      const began = performance.now();
      await pushOne(session, config);
      taken.push(performance.now() - began);
    }
  });
  return taken;
}

let number = 0;

async function pushOne(session: Session, config: Awaited<ReturnType<Session["putBlob"]>>): Promise<void> {
  const name = `${process.pid}-${number++}`;
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    artifactType: "application/vnd.example.note",
    config: { ...config, mediaType: MEDIA_TYPES.empty },
    layers: [],
    annotations: { name },
  };
  await session.putManifest(
    { bytes: new TextEncoder().encode(JSON.stringify(manifest)) },
    { tags: [`pushed-${name}`] },
  );
}

function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

const [verb = "", directory = "", mode = "", argument = ""] = process.argv.slice(2);
const projection = mode === "off" ? "off" : "coalesced";
const NANOSECONDS = 1e6;
/** So often the event loop is looked at. */
const RESOLUTION = 1;

let began = performance.now();
const store = await openWithCatalog(directory, projection);
let figures: Figures = {};
const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
if (verb === "resolve") {
  await store.repository().resolve(argument);
} else {
  delay.enable();
  await sleep(20);
  delay.reset();
  began = performance.now();
  figures = await VERBS[verb]!(store, argument);
}
const ms = performance.now() - began;
await sleep(20);
const held = delay.max / NANOSECONDS;
delay.reset();
const closing = performance.now();
await store.close();
const close = performance.now() - closing;
await sleep(20);
process.stdout.write(JSON.stringify({ ms, held, close, heldClosing: delay.max / NANOSECONDS, ...figures }));
delay.disable();
