import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Finding, type Policy, type Store, systemEnvironment } from "@ocistore/core";
import { lookFaults, type Operation, operationsOf, refusalFaults, TagHistory, tagFaults } from "./history.ts";
import { type Look, readJournal } from "./journal.ts";
import { blobsIn, debrisIn, entriesIn, tagsOf, walk } from "./layout.ts";
import { openSoaked } from "./open.ts";

export interface Evidence {
  readonly layout: string;
  readonly journals: string;
  /** When each process that was killed died. */
  readonly deaths: ReadonlyMap<string, number>;
  readonly foreign: boolean;
  readonly policy: Policy;
  /** Of a tool that honours no lock, in milliseconds. */
  readonly longestCopy: number;
}

export interface Judgement {
  /** All that is not as it should be; nothing else is a failure. */
  readonly findings: readonly string[];
  /** How often each kind of operation ended how, and each kind of look; what deletions and collections took. */
  readonly counts: Readonly<Record<string, number>>;
}

const HOUR = 60 * 60_000;

/** Replays the journals against a model of tags, and holds what is on disk against that. */
export async function judge(o: Evidence): Promise<Judgement> {
  const { operations, looks } = await heard(o.journals, o.deaths);
  const history = new TagHistory(operations);
  const findings = [
    ...refusalFaults(operations, o.foreign),
    ...(o.foreign ? foreignFaults(o, operations, looks) : lookFaults(history, looks)),
    ...(await stateFaults(o, history, operations)),
    ...(await endFaults(o)),
  ];
  return { findings, counts: countsOf(operations, looks) };
}

/** How far they have come. */
export async function progress(journals: string): Promise<Judgement["counts"]> {
  const { operations, looks } = await heard(journals, new Map());
  return countsOf(operations, looks);
}

interface Heard {
  readonly operations: readonly Operation[];
  readonly looks: readonly (Look & { readonly who: string })[];
}

async function heard(journals: string, deaths: Evidence["deaths"]): Promise<Heard> {
  const operations: Operation[] = [];
  const looks: (Look & { readonly who: string })[] = [];
  for (const file of (await readdir(journals)).sort()) {
    const who = file.replace(/\.jsonl$/, "");
    const lines = readJournal(join(journals, file));
    operations.push(...operationsOf(who, lines, deaths.get(who)));
    looks.push(...lines.flatMap((line) => ("look" in line ? [{ ...line.look, who }] : [])));
  }
  return { operations, looks };
}

/** What is there at the end, before anybody tidies up. */
async function stateFaults(o: Evidence, history: TagHistory, operations: readonly Operation[]): Promise<string[]> {
  // The second look brings back what another tool has named again, and nothing else happens by it.
  if (o.foreign) await inStore(o.layout, 0, (store) => store.collect());
  const entries = await entriesIn(o.layout);
  const tags = new Map([...tagsOf(entries)].map(([name, { digest }]) => [name, digest]));
  const faults = o.foreign ? unexplained(history, tags) : tagFaults(history, tags);
  const { found, missing, wrong } = await walk(o.layout, entries);
  for (const digest of missing) faults.push(`${digest} is live, and not there`);
  for (const digest of wrong) faults.push(`${digest} has other bytes`);
  if (!o.foreign) {
    for (const { keeps, outcome, what, who } of operations) {
      if (outcome !== "done") continue;
      for (const digest of keeps) if (!found.has(digest)) faults.push(`${who}: ${what} has lost ${digest}`);
    }
  }
  faults.push(...(await catalogFaults(o.layout, tags)));
  faults.push(...(await findingsIn(o.layout, (finding) => finding.level === "error")));
  return faults;
}

/** Once all claims, leases and windows are over, nothing is left that nobody needs, and a check finds nothing at all. */
async function endFaults({ layout, foreign }: Evidence): Promise<string[]> {
  const faults: string[] = [];
  await inStore(layout, 3 * HOUR, async (store) => {
    await store.setPolicy({ grace: 0, window: 0, wait: 0 });
    // A process that died between the name of bytes and their row has left bytes that no queue has heard of.
    const { missed } = await store.collect({ grace: 0, full: true });
    faults.push(...missed.map((digest) => `garbage that the queue has not heard of: ${digest}`));
  });
  const { found } = await walk(layout, await entriesIn(layout));
  const stored = await blobsIn(layout);
  return [
    ...faults,
    ...[...stored].filter((digest) => !found.has(digest)).map((digest) => `garbage: ${digest}`),
    ...[...found].filter((digest) => !stored.has(digest)).map((digest) => `missing: ${digest}`),
    ...(await debrisIn(layout)).map((path) => `left over: ${path}`),
    // Another tool leaves nameless entries where it moves a tag, and they may be twins.
    ...(await findingsIn(layout, ({ level }) => !foreign || level === "error")),
  ];
}

/** What other tools see against what the store answers: of a catalog, index.json is a picture. */
async function catalogFaults(layout: string, shown: ReadonlyMap<string, string>): Promise<string[]> {
  const tags = new Map<string, string>();
  await inStore(layout, 0, async (store) => {
    for await (const { name, digest } of store.repository().tags()) tags.set(name, digest);
  });
  return [...new Set([...tags.keys(), ...shown.keys()])]
    .filter((tag) => tags.get(tag) !== shown.get(tag))
    .map((tag) => `index.json has ${tag} on ${shown.get(tag)}, the store on ${tags.get(tag)}`);
}

/** Another tool may write back what a tag was on before; but nobody invents one. */
function unexplained(history: TagHistory, tags: ReadonlyMap<string, string>): string[] {
  return [...tags].flatMap(([tag, digest]) =>
    history.ever(tag).has(digest) ? [] : [`${tag} is on ${digest}, where nobody has put it`],
  );
}

/** What of ours another tool has dropped out of index.json is there for as long as the grace lasts. */
function foreignFaults(
  { longestCopy, policy }: Evidence,
  operations: readonly Operation[],
  looks: readonly (Look & { readonly who: string })[],
): string[] {
  const faults = looks.flatMap(({ what, tag, saw, start, end, missing = [] }) => {
    if (what !== "look after a drop") return [];
    // A deletion by name takes what it un-roots, whatever its age, and what is garbage already may have needed that.
    const taken = new Set(
      operations.filter((each) => each.start <= end && each.end >= start).flatMap(({ takes }) => takes),
    );
    const gone = missing.filter((digest) => !taken.has(digest));
    return gone.length === 0 ? [] : [`${tag}, on ${saw}, was dropped, and has lost ${gone.join(", ")}`];
  });
  if (longestCopy > policy.wait) faults.push(`skopeo took ${Math.round(longestCopy)} ms, longer than anything waits`);
  return faults;
}

async function findingsIn(layout: string, isFault: (finding: Finding) => boolean): Promise<string[]> {
  const faults: string[] = [];
  await inStore(layout, 0, async (store) => {
    for await (const finding of store.check()) if (isFault(finding)) faults.push(`fsck: ${JSON.stringify(finding)}`);
  });
  return faults;
}

async function inStore(layout: string, later: number, work: (store: Store) => Promise<unknown>): Promise<void> {
  const env = { ...systemEnvironment, now: () => systemEnvironment.now() + later };
  const store = await openSoaked(layout, { env });
  await work(store);
  await store.close();
}

function countsOf(operations: readonly Operation[], looks: readonly Look[]): Record<string, number> {
  const counts = new Map<string, number>();
  const add = (name: string, by = 1) => counts.set(name, (counts.get(name) ?? 0) + by);
  for (const { what, outcome, code, count = 0 } of operations) {
    add(`${what}: ${code ?? outcome}`);
    if (count > 0) add(`${what}: digests`, count);
  }
  for (const { what, saw, broken } of looks) {
    add(`${what}: ${broken === undefined ? (saw === null ? "no tag" : "whole") : "gone meanwhile"}`);
  }
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
