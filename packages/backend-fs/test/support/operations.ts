import { packIndex } from "@ocistore/core";
import type { FileSystem } from "../../src/files/file-system.ts";
import { initLayout } from "../../src/index.ts";
import type { Lock } from "../../src/lock/lock.ts";
import { bytes } from "./bytes.ts";
import { furnish, putImage, SHARED, tagsOf } from "./content.ts";
import { memoryPlace } from "./file-systems.ts";
import type { Entry } from "./foreign-tool.ts";
import { copyOf, type MemoryFileSystem, memoryFileSystem } from "./memory-file-system.ts";
import { type Actor, HOUR, World } from "./world.ts";

/** An operation that is interrupted at each of its file calls. */
export interface Operation {
  readonly name: string;
  /** A layout that is as it was before, and who runs the operation. */
  start(through?: (disk: FileSystem) => FileSystem): Promise<{ world: World; actor: Actor }>;
  run(actor: Actor, world: World): Promise<unknown>;
  /** Whether it has happened as a whole; asked when it was interrupted, and when it was run again. */
  done(actor: Actor): Promise<boolean>;
  /** Tags that it leaves alone. */
  readonly spares: readonly string[];
}

let template: { readonly fs: MemoryFileSystem; readonly now: number } | undefined;

/** A furnished layout, made once and copied. */
async function furnishedWorld(): Promise<World> {
  if (!template) {
    const fs = memoryFileSystem();
    await fs.mkdir("/store");
    const world = await World.make({ fs, directory: "/store" });
    await furnish(world);
    template = { fs, now: world.clock.now() };
  }
  const world = new World({ fs: copyOf(template.fs), directory: "/store" }, 2);
  world.clock.advance(template.now - world.clock.now());
  return world;
}

/** The lock makes most of the calls, and they have tests of their own; where only one is alive nobody needs it. */
const unlocked: Lock = { acquire: async () => async () => {} };

async function furnished(through?: (disk: FileSystem) => FileSystem) {
  const world = await furnishedWorld();
  return { world, actor: await world.actor({ lock: unlocked }, through) };
}

async function furnishedAndLocked(through?: (disk: FileSystem) => FileSystem) {
  const world = await furnishedWorld();
  return { world, actor: await world.actor({}, through) };
}

/** An image whose signature is found by a tag of the referrers tag schema; then another tool takes away the image's own tag. */
async function withFallbackTag(world: World): Promise<void> {
  const { repository } = await world.actor();
  await repository.session(async (session) => {
    const subject = await putImage(session, "signed", { tag: "signed" });
    const signature = await putImage(session, "signer", { subject });
    const tag = subject.digest.replace(":", "-");
    await session.putManifest(packIndex({ manifests: [signature] }), { tags: [tag] });
  });
  const f = world.foreign();
  const entries = await f.readIndex();
  const isOf = (name: RegExp) => (entry: Entry) =>
    name.test(entry.annotations?.["org.opencontainers.image.ref.name"] ?? "");
  await f.writeIndex(entries.filter(isOf(/^(multi|v1|v2|sha256-.*)$/)));
  world.clock.advance(2 * HOUR);
}

const tagIs = async ({ repository }: Actor, name: string, as: string | undefined) => {
  const tags = await tagsOf(repository);
  return tags[name] === (as === undefined ? undefined : tags[as]);
};

export const operations: readonly Operation[] = [
  {
    name: "push",
    start: furnished,
    spares: ["multi", "v1", "v2"],
    run: ({ repository }) =>
      repository.session(async (session) => {
        const layers = [await session.putBlob(SHARED), await session.putBlob(bytes("a layer of the new one"))];
        await putImage(session, "new", { tag: "new", layers });
      }),
    done: async (actor) => "new" in (await tagsOf(actor.repository)),
  },
  {
    name: "untag",
    start: furnishedAndLocked,
    spares: ["multi", "v2"],
    run: ({ repository }) => repository.untag("v1"),
    done: async (actor) => !("v1" in (await tagsOf(actor.repository))),
  },
  {
    name: "move a tag",
    start: furnished,
    spares: ["multi", "v2"],
    run: ({ repository }) => repository.tag("v2", "v1"),
    done: (actor) => tagIs(actor, "v1", "v2"),
  },
  {
    name: "delete",
    start: furnished,
    spares: ["v1", "v2"],
    run: ({ repository }) => repository.delete("multi"),
    done: async (actor) => !("multi" in (await tagsOf(actor.repository))),
  },
  {
    name: "delete with a window",
    start: furnished,
    spares: ["v1", "v2"],
    run: ({ repository }) => repository.delete("multi", { window: HOUR }),
    done: async (actor) => !("multi" in (await tagsOf(actor.repository))),
  },
  {
    name: "undo",
    start: async (through) => {
      const world = await furnishedWorld();
      const { repository } = await world.actor();
      // Entries of index.json, a signature's among them, a tag that goes alone, and a mark that is set.
      await repository.tag("v1", "also");
      await repository.delete(["multi", "also"], { window: HOUR, children: "keep" });
      return { world, actor: await world.actor({ lock: unlocked }, through) };
    },
    spares: ["v1", "v2"],
    run: ({ store }) => store.undo(),
    done: async (actor) => {
      const tags = await tagsOf(actor.repository);
      return "multi" in tags && tags.also === tags.v1;
    },
  },
  {
    name: "collect",
    start: furnished,
    spares: ["multi", "v1", "v2"],
    run: ({ store }) => store.collect({ grace: 0 }),
    done: async () => true,
  },
  {
    name: "collect what another tool has untagged",
    start: async (through) => {
      const world = await furnishedWorld();
      await withFallbackTag(world);
      return { world, actor: await world.actor({ lock: unlocked }, through) };
    },
    spares: ["multi", "v1", "v2"],
    run: ({ store }) => store.collect({ grace: 0 }),
    done: async () => true,
  },
  {
    name: "end of a session",
    start: async (through) => {
      const { world, actor } = await furnishedAndLocked(through);
      const other = await world.actor();
      await other.repository.openSession("s").has([...Object.values(await tagsOf(other.repository))]);
      return { world, actor };
    },
    spares: ["multi", "v1", "v2"],
    run: ({ repository }) => repository.openSession("s").end(),
    done: async () => true,
  },
  {
    name: "init",
    start: async (through) => {
      const world = new World(await memoryPlace());
      return { world, actor: await world.stranger(through) };
    },
    spares: [],
    run: ({ fs }, world) => initLayout(world.directory, { fs, env: world.clock, keep: true }),
    done: async () => true,
  },
];
