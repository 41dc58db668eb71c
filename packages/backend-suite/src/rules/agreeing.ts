import assert from "node:assert/strict";
import {
  CellCatalog,
  collect,
  type Digest,
  isOciStoreError,
  MemoryBlobs,
  memoryCell,
  planCollect,
  recordedFacts,
} from "@ocistore/core";
import { all } from "../bytes.ts";
import { ManualEnvironment } from "../environment.ts";
import { type Rule, rules } from "../rule.ts";
import { HOUR, type Image, item, World } from "../world.ts";

const STEPS = 80;
const REPOSITORIES = ["team/app", "team/other"];

/** The reference: the pure reducer over a variable. */
function reference(world: World): World {
  const { env, harness } = world;
  const cell = memoryCell(env, { grace: HOUR, window: 0, wait: 0 });
  const catalog = new CellCatalog(cell, { facts: recordedFacts, env, window: true });
  const { generations } = world.declared.blobs;
  return new World(env, harness, world.declared, { catalog, blobs: new MemoryBlobs(env, { generations }) });
}

type Command = (world: World) => Promise<unknown>;

/** Commands by chance, on few names, so that they meet each other. */
class Commands {
  readonly #chance: ManualEnvironment;
  readonly #known: Image[] = [];
  #asked = 0;

  constructor(seed: number) {
    this.#chance = new ManualEnvironment(seed);
  }

  next(): { readonly name: string; readonly run: Command } {
    this.#asked += 1;
    const repository = REPOSITORIES[this.#below(5) === 0 ? 1 : 0]!;
    const tag = `t${this.#below(3)}`;
    const image = this.#known.length > 0 ? this.#one(this.#known) : undefined;
    const other = this.#known.length > 0 ? this.#one(this.#known) : undefined;
    const owner = `owner-${this.#below(2)}`;
    const change = (steps: Parameters<World["catalog"]["change"]>[1]): Command => {
      const run = this.#run();
      return async ({ catalog }) => [...(await catalog.change(repository, steps, { run }))].sort();
    };
    const pushes: (readonly [string, Command])[] = [this.#image(repository, tag, other), this.#index(repository, tag)];
    if (!image || !other) return named(pushes[0]!);
    const { digest } = image;
    return named(
      this.#one([
        ...pushes,
        ["tag", change([{ do: "tag", name: tag, to: digest }])],
        ["untag", change([{ do: "untag", name: tag }])],
        ["remove", change([{ do: "remove", manifest: digest }])],
        [
          "drop",
          change([
            { do: "drop", manifest: digest },
            { do: "drop", manifest: other.digest },
          ]),
        ],
        [
          "untag and drop",
          change([
            { do: "untag", name: tag },
            { do: "drop", manifest: digest },
          ]),
        ],
        [
          "drop what is old",
          async ({ catalog, env }) => {
            const steps = [digest, other.digest].map((manifest) => ({ do: "drop", manifest }) as const);
            return [
              ...(await catalog.change(repository, steps, { run: this.#run(), before: env.now() - HOUR / 2 })),
            ].sort();
          },
        ],
        ["keep", change([{ do: "keep", manifest: digest }])],
        ["pin", change([{ do: "pin", name: "p", digest }])],
        ["unpin", change([{ do: "unpin", name: "p" }])],
        ["unlink", change([{ do: "unlink", blob: image.config?.digest ?? digest }])],
        [
          "claim",
          async ({ catalog, env }) => {
            const wanted = [digest, ...other.items.map((each) => each.digest)];
            const from = REPOSITORIES.find((name) => name !== repository);
            return [
              ...(await catalog.claim(owner, repository, wanted, { until: env.now() + HOUR, from })).keys(),
            ].sort();
          },
        ],
        ["release", ({ catalog }) => catalog.release(owner)],
        ["condemn all that is dead", this.#condemn(undefined)],
        ["condemn what is old", this.#condemn(HOUR / 2)],
        ["purge", async (world) => (await world.purge()).purged.sort()],
        ["revive", async ({ catalog }) => [...(await catalog.revive([digest]))].sort()],
      ]),
    );
  }

  get images(): readonly Image[] {
    return this.#known;
  }

  #image(repository: string, tag: string, subject: Image | undefined): readonly [string, Command] {
    const name = `image ${this.#below(6)}`;
    const tags = this.#below(2) ? [tag] : [];
    const refers = subject && this.#below(3) === 0 ? { subject: subject.descriptor } : {};
    return [`push ${name}`, async (world) => this.#pushed(await world.image(name, { repository, tags, ...refers }))];
  }

  #index(repository: string, tag: string): readonly [string, Command] {
    const children = this.#known.filter(({ config }) => config && this.#below(3) === 0).slice(0, 3);
    const tags = this.#below(2) ? [tag] : [];
    return ["push an index", async (world) => this.#pushed(await world.index(children, { repository, tags }))];
  }

  #pushed(image: Image): Digest {
    if (!this.#known.some(({ digest }) => digest === image.digest)) this.#known.push(image);
    return image.digest;
  }

  #condemn(grace: number | undefined): Command {
    const run = this.#run();
    return async (world) => {
      const manifests = new Set(this.#known.map(({ digest }) => digest));
      const listed = (await all(world.blobs.list())).sort((a, b) => (a.digest < b.digest ? -1 : 1));
      const items = listed.map((each) => item(each, manifests.has(each.digest) ? "manifest" : "blob"));
      const first = [
        ...items.filter(({ kind }) => kind === "manifest"),
        ...items.filter(({ kind }) => kind === "blob"),
      ];
      const before = grace === undefined ? {} : { before: world.env.now() - grace };
      return [...(await world.condemn(first, { run, until: world.env.now() + HOUR / 4, ...before }))].sort();
    };
  }

  /** A run is what a few commands in a row do; its name never comes again. */
  #run(): string {
    return `run-${Math.floor(this.#asked / 12)}`;
  }

  #below(count: number): number {
    return Math.floor(this.#chance.chance() * count);
  }

  #one<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]!;
  }
}

function named([name, run]: readonly [string, Command]): { readonly name: string; readonly run: Command } {
  return { name, run };
}

async function outcome(run: Command, world: World): Promise<unknown> {
  try {
    return (await run(world)) ?? "done";
  } catch (error) {
    if (isOciStoreError(error)) return error.code;
    throw error;
  }
}

/** All that can be read of a store, in one value. */
async function picture({ catalog }: World, images: readonly Image[]): Promise<unknown> {
  const seen: unknown[] = [(await all(catalog.condemned())).map(({ digest, run }) => `${digest} ${run}`).sort()];
  for (const repository of REPOSITORIES) {
    seen.push(
      await all(catalog.tags(repository)),
      (await all(catalog.pins(repository))).map(({ digest }) => digest),
    );
    for (const { digest, items } of images) {
      seen.push((await catalog.manifest(repository, digest))?.digest);
      for (const each of items) seen.push((await catalog.locate(repository, each.digest))?.size);
      seen.push((await all(catalog.referrers(repository, digest))).map((record) => record.digest));
    }
  }
  const roots = await all((await catalog.graph()).allRoots());
  seen.push(roots.map(({ repository, digest, why, name }) => `${repository} ${digest} ${why} ${name}`).sort());
  return seen;
}

export const agreeingRules: readonly Rule[] = [...[1, 2, 3].flatMap(agreeing), ...[4, 5, 6].flatMap(knowing)];

function agreeing(seed: number): Rule[] {
  return rules(
    "agreeing",
    {
      [`commands by chance do what they do to the reference (seed ${seed})`]: async (world) => {
        const other = reference(world);
        const commands = new Commands(seed);
        const done: string[] = [];
        for (let step = 0; step < STEPS; step++) {
          const { name, run } = commands.next();
          done.push(name);
          const wanted = await outcome(run, other);
          assert.deepEqual(await outcome(run, world), wanted, `${name}, after ${done.join(", ")}`);
          const { images } = commands;
          assert.deepEqual(await picture(world, images), await picture(other, images), `after ${done.join(", ")}`);
          world.env.advance(HOUR / 8);
        }
      },
    },
    "repositories",
  );
}

/** What a collection by the queue takes is what one by a mark of the whole store takes, no more and no less. */
function knowing(seed: number): Rule[] {
  return rules(
    "agreeing",
    {
      [`the queue knows what a mark of the whole store finds (seed ${seed})`]: async (world) => {
        const commands = new Commands(seed);
        const done: string[] = [];
        for (let step = 0; step < STEPS; step++) {
          const { name, run } = commands.next();
          done.push(name);
          await outcome(run, world);
          for (const grace of [0, HOUR / 2]) {
            const queued = await planCollect(world, { grace });
            const marked = await planCollect(world, { grace, full: true });
            const digests = ({ items }: typeof queued) => items.map(({ digest }) => digest);
            const after = `with a grace of ${grace}, after ${done.join(", ")}`;
            assert.deepEqual(marked.missed ?? [], [], after);
            assert.deepEqual(digests(queued), digests(marked), after);
          }
          if (step % 10 === 9) await collect(world, { grace: HOUR / 2 });
          world.env.advance(HOUR / 8);
        }
        await world.catalog.release("owner-0");
        await world.catalog.release("owner-1");
        await collect(world, { grace: 0 });
        const left = await planCollect(world, { grace: 0, full: true });
        assert.deepEqual(left.items, []);
      },
    },
    "queue",
  );
}
