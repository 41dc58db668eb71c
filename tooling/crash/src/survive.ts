import type { Store } from "@ocistore/core";
import { content, digestNamed } from "./content.ts";
import { putImage } from "./furnish.ts";
import { leftOver } from "./left-over.ts";
import type { Death, Scenario } from "./scenario.ts";
import { closureOf, described, observed, type State, UPLOAD } from "./state.ts";
import { collected, HOUR, type Place, Process } from "./world.ts";

/** What a crash has left, and what had been acknowledged by then. */
export interface Wreck {
  readonly place: Place;
  /** So many steps. */
  readonly acknowledged: number;
  readonly death: Death;
  /** The same once more, to try something else on. */
  copy(): Place;
}

/**
 * Throws unless the layout is as good as after a clean end: everything that was acknowledged is there, what was under way has
 * happened or not, all is sound, another process does its work and collects, and nothing is left that nobody needs.
 */
export async function survive(scenario: Scenario, { place, acknowledged, death, copy }: Wreck): Promise<void> {
  const states = [scenario.before, ...scenario.steps.map(({ after }) => after)];
  const certain = states.slice(acknowledged, acknowledged + 2);
  if (acknowledged < scenario.steps.length) await scenario.again?.(new Process(place));
  const process = new Process(place);
  const store = await process.store();
  const found = await statesOf(store, certain, scenario.steps[acknowledged]?.meanwhile);
  await mustBeSound(store);
  const inAll = (names: (state: State) => readonly string[]) =>
    names(certain[0]!).filter((name) =>
      certain.every((each) => names(each).includes(name) || closureOf(each).has(digestNamed(name))),
    );
  const stored = inAll(({ stored, claimed = [] }) => (death === "process" ? [...stored, ...claimed] : stored));
  const gone = certain[0]!.gone.filter((name) => certain.every((each) => each.gone.includes(name)));
  await mustBeThere(store, stored);
  for (const name of gone) {
    if (await store.repository().find(digestNamed(name))) throw new Error(`${name} is there, and was deleted`);
  }
  const bytes = Math.min(...certain.map(({ upload }) => upload ?? 0));
  if (death === "process" && bytes > 0) await mustHaveUpload(store, bytes);

  if (scenario.besides) await scenario.besides(new Process(copy()), found[0]!);

  await work(store);
  // Claims outlive a process, and not the power.
  await collected(store, place.clock, death === "process" && !certain.some(isInGrace) ? { grace: 0 } : {});
  await mustBeThere(store, stored);

  let left: readonly string[] = [];
  // A manifest goes before what it names, and a run when it is empty; so one collection need not be enough.
  for (let turn = 0; turn < TURNS && (turn === 0 || left.length > 0); turn++) {
    place.clock.advance(3 * HOUR);
    await collected(store, place.clock, { grace: 0 });
    const now = await observed(store);
    const stays = found.find((state) => described(state) === now);
    if (!stays) throw new Error(`after a collection ${unexpected(now, found)}`);
    left = await leftOver(process.fs, place.directory, closureOf(stays));
  }
  if (left.length > 0) throw new Error(`left over: ${left.join(", ")}`);
  await mustBeSound(store);
}

const TURNS = 4;

/** What has lost its tag is held by its grace alone. */
function isInGrace({ stored }: State): boolean {
  return stored.some((name) => content(name).packed !== undefined);
}

/** What this may turn out to be. */
async function statesOf(store: Store, candidates: readonly State[], meanwhile: State | undefined): Promise<State[]> {
  const now = await observed(store);
  const found = candidates.filter(
    (state, at) => described(state) === now || (at === 0 && meanwhile && described(meanwhile) === now),
  );
  if (found.length === 0) throw new Error(unexpected(now, candidates));
  return found;
}

function unexpected(now: string, candidates: readonly State[]): string {
  return `this is there:\n${now}\nand not:\n${candidates.map(described).join("\nor:\n")}`;
}

async function mustBeSound(store: Store): Promise<void> {
  for await (const { level, code, digest, message } of store.check()) {
    if (level === "error") throw new Error(`${code} ${digest}: ${message}`);
  }
}

async function mustBeThere(store: Store, names: readonly string[]): Promise<void> {
  for (const digest of new Set(names.flatMap((name) => [...content(name).closure]))) {
    await store.repository().bytes(digest);
  }
}

async function mustHaveUpload(store: Store, bytes: number): Promise<void> {
  for await (const { id, offset } of store.uploads()) if (id === UPLOAD && offset >= bytes) return;
  throw new Error(`${bytes} bytes of the upload were acknowledged`);
}

/** Something that this store has not seen yet comes and goes. */
async function work(store: Store): Promise<void> {
  const repository = store.repository();
  await repository.session((session) => putImage(session, "later", { tag: "work" }));
  await repository.delete("work");
}
