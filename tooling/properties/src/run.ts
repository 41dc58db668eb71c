import { deepStrictEqual, fail, ok, strictEqual } from "node:assert/strict";
import { type Digest, isOciStoreError, type Plan, planLines, readPlan, type Session, type Store } from "@ocistore/core";
import type { ManualClock } from "./clock.ts";
import { lostContent, sightOf, sightOfWorld } from "./compare.ts";
import { type Document, writeDocuments } from "./documents.ts";
import { expectCode, sameContent, trueHolders } from "./expect.ts";
import { changing, lose, mayLive, put, readListing, setListedTag } from "./listing.ts";
import type { DeleteChoice, Operation, Script, TagName } from "./operations.ts";
import { type Aim, applyExpected, type Expected, expectCollect, expectDelete } from "./removal.ts";
import { applyAndUndo, type Between } from "./undoing.ts";
import * as model from "./world.ts";

const MINUTE = 60_000;
const GRACE = 60 * MINUTE;

/** Runs a script on a store and on a world side by side, and compares the two after every operation. */
export async function runScript(
  { documents, operations }: Script,
  o: { readonly store: Store; readonly clock: ManualClock; readonly abilities: model.Abilities },
): Promise<void> {
  // A layout reads no layer to see whether it is a manifest too; what that would keep is left out of its scripts.
  const written = writeDocuments(documents, { plainLayers: !o.abilities.explicit });
  const world = model.newWorld(written, o.abilities, o.clock.now());
  const runner = new Runner(o.store, o.clock, world);
  for (const [number, operation] of operations.entries()) {
    try {
      await runner.run(operation);
      await runner.compare();
    } catch (error) {
      throw new Error(`operation ${number}, ${JSON.stringify(operation)}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}

class Runner {
  readonly #store: Store;
  readonly #clock: ManualClock;
  readonly #world: model.World;
  readonly #plans: { readonly lines: string; readonly expected: Expected }[] = [];
  readonly #open = new Map<string, { readonly session: Session; readonly repository: string }>();
  #sessions = 0;

  constructor(store: Store, clock: ManualClock, world: model.World) {
    this.#store = store;
    this.#clock = clock;
    this.#world = world;
  }

  async compare(): Promise<void> {
    readListing(this.#world);
    const sight = await sightOf(this.#store, this.#world);
    deepStrictEqual(sight, sightOfWorld(this.#world));
    deepStrictEqual(lostContent(this.#world, sight), [], "what is live is there");
  }

  async run(operation: Operation): Promise<void> {
    const world = this.#world;
    switch (operation.do) {
      case "push":
        return this.#push(operation);
      case "pushBlob": {
        const { digest, bytes } = pick(world.documents.blobs, operation.blob)!;
        return this.#inSession(operation.repository, operation.session, async (session, repository) => {
          await session.putBlob(bytes);
          model.store(world, repository, session.owner, digest);
        });
      }
      case "claim": {
        const digests = operation.content.map((n) => this.#content(n));
        const from = this.#repository(operation.from);
        return this.#inSession(operation.repository, true, async (session, repository) => {
          const there = digests.filter((digest) => {
            const { members, listed } = world.repositories.get(repository)!;
            // Of what is not listed a layout would have to read whether it is whole.
            const isMember = world.abilities.explicit ? members.has(digest) : listed.has(digest);
            if (isMember && !model.isWhole(world, repository, digest)) return false;
            return model.isVisible(world, repository, digest) || model.isVisible(world, from, digest);
          });
          deepStrictEqual([...(await session.has(digests, { from }))].sort(), [...new Set(there)].sort());
          for (const digest of there) model.hold(world, repository, session.owner, digest);
        });
      }
      case "endSession": {
        const owner = pick([...this.#open.keys()], operation.session);
        if (owner !== undefined) await this.#end(owner);
        return;
      }
      case "tag": {
        const repository = this.#repository(operation.repository);
        const document = pick(world.documents.manifests, operation.document)!;
        const name = this.#tagName(operation.tag);
        const { members } = world.repositories.get(repository)!;
        const isThere = world.abilities.explicit ? members.has(document.digest) : world.bytes.has(document.digest);
        const code = !isThere
          ? "NOT_FOUND"
          : this.#mayLive(repository, document.digest)
            ? undefined
            : "MISSING_CONTENT";
        await expectCode(code, () => this.#store.repository(repository).tag(document.digest, name));
        if (!code) this.#setTags(repository, document.digest, [name]);
        return;
      }
      case "untag": {
        const repository = this.#repository(operation.repository);
        const { tags } = world.repositories.get(repository)!;
        const name = pick([...tags.keys()].sort(), operation.tag);
        await expectCode(name === undefined ? "NOT_FOUND" : undefined, () =>
          this.#store.repository(repository).untag(name ?? "none"),
        );
        if (name === undefined) return;
        changing(world, { takesAway: true, gives: false }, () => {
          lose(world, tags.get(name)!);
          tags.delete(name);
        });
        return;
      }
      case "pin": {
        const repository = this.#repository(operation.repository);
        const digest = this.#content(operation.content);
        const name = `pin${operation.name}`;
        const until = operation.minutes === undefined ? undefined : world.now + operation.minutes * MINUTE;
        const isManifest = world.abilities.explicit
          ? world.repositories.get(repository)!.members.has(digest)
          : world.documents.byDigest.has(digest);
        const code = !model.isVisible(world, repository, digest)
          ? "NOT_FOUND"
          : isManifest && !this.#mayLive(repository, digest)
            ? "MISSING_CONTENT"
            : undefined;
        await expectCode(code, () => this.#store.repository(repository).pin(digest, name, { until }));
        if (code) return;
        const { pins } = world.repositories.get(repository)!;
        const before = pins.get(name)?.digest;
        const hasMoved = before !== undefined && before !== digest;
        changing(world, { takesAway: hasMoved, gives: true }, () => {
          pins.set(name, { digest, until });
          if (hasMoved) lose(world, before);
        });
        return;
      }
      case "unpin": {
        const repository = this.#repository(operation.repository);
        const { pins } = world.repositories.get(repository)!;
        const name = pick([...pins.keys()].sort(), operation.pin);
        await expectCode(name === undefined ? "NOT_FOUND" : undefined, () =>
          this.#store.repository(repository).unpin(name ?? "none"),
        );
        if (name === undefined) return;
        changing(world, { takesAway: true, gives: false }, () => {
          lose(world, pins.get(name)!.digest);
          pins.delete(name);
        });
        return;
      }
      case "wait":
        return this.#wait(operation.minutes);
      case "deleteAndUndo": {
        const planned = await this.#planDelete(operation);
        if (planned) await this.#applyAndUndo(planned, operation);
        return;
      }
      case "collectAndUndo": {
        const grace = operation.grace === undefined ? undefined : operation.grace * MINUTE;
        const expected = expectCollect(world, grace === 0 ? undefined : world.now - (grace ?? GRACE));
        const plan = await this.#store.planCollect({ grace });
        sameContent(plan, expected);
        return this.#applyAndUndo({ plan, expected }, operation);
      }
      case "delete":
      case "planDelete": {
        const planned = await this.#planDelete(operation);
        if (planned && operation.do === "delete") await this.#applyUnchanged(planned);
        return;
      }
      case "collect":
      case "planCollect": {
        const grace = operation.minutes === undefined ? undefined : operation.minutes * MINUTE;
        // No grace is no question of age, then or when the plan is applied.
        const expected = expectCollect(world, grace === 0 ? undefined : world.now - (grace ?? GRACE));
        const plan = await this.#store.planCollect({ grace });
        sameContent(plan, expected);
        deepStrictEqual(plan.kept.map(({ digest }) => digest).sort(), [...expected.kept].sort());
        this.#plans.push({ lines: [...planLines(plan)].join(""), expected });
        if (operation.do === "planCollect") return;
        const receipt = await this.#store.collect({ grace });
        const { errors } = applyExpected(world, expected);
        deepStrictEqual([...errors], []);
        strictEqual(receipt.removed, plan.items.length);
        strictEqual(receipt.skipped, 0);
        return;
      }
      case "apply": {
        const saved = pick(this.#plans, operation.plan);
        if (saved) await this.#applySaved(saved);
        return;
      }
    }
  }

  async #push(operation: Extract<Operation, { do: "push" }>): Promise<void> {
    const world = this.#world;
    const document = pick(world.documents.manifests, operation.document)!;
    const tags = [...new Set(operation.tags.map((tag) => this.#tagName(tag)))];
    const sparse = operation.sparse ?? false;
    return this.#inSession(operation.repository, operation.session, async (session, repository) => {
      for (const digest of document.blobs) {
        await session.putBlob(world.documents.bytesOf(digest));
        model.store(world, repository, session.owner, digest);
      }
      const isWhole = document.children.every((child) => model.isWhole(world, repository, child));
      const code = isWhole || sparse ? undefined : "MISSING_CONTENT";
      await expectCode(code, () => session.putManifest({ bytes: document.bytes }, { tags, sparse }));
      model.store(world, repository, session.owner, document.digest);
      if (code) return;
      if (world.abilities.explicit) model.record(world, repository, document.digest, tags);
      else this.#setTags(repository, document.digest, tags, () => put(world, document.digest, tags.length > 0));
    });
  }

  #mayLive(repository: string, digest: Digest): boolean {
    const world = this.#world;
    return world.abilities.explicit ? model.isWhole(world, repository, digest) : mayLive(world, digest);
  }

  #setTags(repository: string, digest: Digest, names: readonly string[], first: () => void = () => {}): void {
    const world = this.#world;
    const { tags } = world.repositories.get(repository)!;
    const takesAway = names.some((name) => tags.has(name) && tags.get(name) !== digest);
    changing(world, { takesAway, gives: true }, () => {
      first();
      for (const name of names) {
        if (world.abilities.explicit) model.setTag(world, repository, name, digest);
        else setListedTag(world, name, digest);
      }
    });
  }

  /** In an open session of the repository, which stays open, or in one for this alone. */
  async #inSession(
    number: number,
    stays: boolean | undefined,
    work: (session: Session, repository: string) => Promise<void>,
  ): Promise<void> {
    const repository = this.#repository(number);
    let owner = stays ? [...this.#open].find(([, open]) => open.repository === repository)?.[0] : undefined;
    if (owner === undefined) {
      owner = `session-${++this.#sessions}`;
      this.#open.set(owner, { session: this.#store.repository(repository).openSession(owner), repository });
    }
    await work(this.#open.get(owner)!.session, repository);
    if (!stays) await this.#end(owner);
  }

  async #end(owner: string): Promise<void> {
    await this.#open.get(owner)!.session.end();
    this.#open.delete(owner);
    model.release(this.#world, owner);
  }

  async #planDelete(choice: DeleteChoice): Promise<{ plan: Plan; expected: Expected } | undefined> {
    const world = this.#world;
    const repository = this.#repository(choice.repository);
    const here = world.repositories.get(repository)!;
    const aims = choice.targets.map((target): Aim => {
      if ("document" in target) return { digest: pick(world.documents.manifests, target.document)!.digest };
      return { tag: pick([...here.tags.keys()].sort(), target.tag) ?? "none" };
    });
    const wishes = { children: choice.children, referrers: choice.referrers };
    const expected = expectDelete(world, repository, aims, wishes);
    const planning = this.#store.repository(repository).planDelete(
      aims.map((aim) => ("tag" in aim ? aim.tag : aim.digest)),
      wishes,
    );
    if ("refused" in expected) {
      const error = await planning.then(
        (plan) => fail(`planned ${JSON.stringify(plan)} instead of ${expected.refused}`),
        (reason: unknown) => reason,
      );
      ok(isOciStoreError(error, expected.refused), `${error} instead of ${expected.refused}`);
      if (expected.refused === "IN_USE") trueHolders(repository, expected, error.data.holders ?? []);
      return undefined;
    }
    const plan = await planning;
    sameContent(plan, expected);
    for (const { digest, because, heldBy } of plan.kept) {
      strictEqual(because, "live");
      ok(heldBy.length > 0, `it is said who holds ${digest}`);
    }
    const saidKept = new Set(plan.kept.map(({ digest }) => digest));
    for (const digest of expected.kept) ok(saidKept.has(digest), `${digest} is said to stay`);
    this.#plans.push({ lines: [...planLines(plan)].join(""), expected });
    await this.compare();
    return { plan, expected };
  }

  #wait(minutes: number): void {
    const world = this.#world;
    this.#clock.advance(minutes * MINUTE);
    world.now = this.#clock.now();
    // A session that slept through the end of its claims is given up, as if its process had died.
    for (const owner of this.#open.keys()) {
      const claim = world.claims.get(owner);
      if (!claim || claim.until <= world.now) this.#open.delete(owner);
    }
  }

  #applyAndUndo({ plan, expected }: { plan: Plan; expected: Expected }, between: Between): Promise<void> {
    const wait = (minutes: number) => this.#wait(minutes);
    return applyAndUndo({ store: this.#store, world: this.#world, wait }, plan, expected, between);
  }

  async #applyUnchanged({ plan, expected }: { plan: Plan; expected: Expected }): Promise<void> {
    const removed: Digest[] = [];
    await this.#store.apply(plan, {
      onOutcome: ({ digest, outcome }) => {
        strictEqual(outcome, "removed");
        removed.push(digest);
      },
    });
    const { errors, gone } = applyExpected(this.#world, expected);
    deepStrictEqual([...errors], []);
    deepStrictEqual(removed.sort(), [...gone].sort());
    deepStrictEqual(removed, [...expected.items.keys()].sort());
  }

  async #applySaved({ lines, expected }: { lines: string; expected: Expected }): Promise<void> {
    const plan = await readPlan(inPieces(lines));
    const removed: Digest[] = [];
    const onOutcome = ({ digest, outcome }: { digest: Digest; outcome: string }) => {
      if (outcome === "removed") removed.push(digest);
    };
    const before = model.copyOf(this.#world);
    const { errors, gone } = applyExpected(this.#world, expected);
    if (errors.size === 0) {
      await this.#store.apply(plan, { onOutcome });
      deepStrictEqual(removed.sort(), [...gone].sort());
      return;
    }
    const error = await this.#store.apply(plan, { onOutcome }).then(
      () => fail(`applied instead of ${[...errors]}`),
      (reason: unknown) => reason,
    );
    ok(isOciStoreError(error) && errors.has(error.code), `${error} instead of ${[...errors]}`);
    deepStrictEqual(await sightOf(this.#store, before), sightOfWorld(before), "what is refused changes nothing");
  }

  #repository(number: number): string {
    return pick([...this.#world.repositories.keys()], number)!;
  }

  /** A blob or a manifest. */
  #content(number: number): Digest {
    const { blobs, manifests } = this.#world.documents;
    return pick<{ digest: Digest }>([...blobs, ...manifests], number)!.digest;
  }

  #tagName(tag: TagName): string {
    if ("plain" in tag) return `t${tag.plain}`;
    const { digest } = pick<Document>(this.#world.documents.manifests, tag.after)!;
    return `${digest.replace(":", "-")}${tag.form}`;
  }
}

function pick<T>(list: readonly T[], number: number): T | undefined {
  return list[number % list.length];
}

async function* inPieces(text: string): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let from = 0; from < bytes.length; from += 100) yield bytes.subarray(from, from + 100);
}
