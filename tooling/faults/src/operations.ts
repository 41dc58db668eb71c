import { importArchive, initLayout, openArchive, writeArchive } from "@ocistore/backend-fs";
import { copy, digestOf, type Finding, isOciStoreError, type Plan, planTotals, type Store } from "@ocistore/core";
import { bytes } from "../../../packages/backend-fs/test/support/bytes.ts";
import { putImage, SHARED, tagsOf } from "../../../packages/backend-fs/test/support/content.ts";
import { HOUR } from "../../../packages/backend-fs/test/support/world.ts";
import { furnish, LAYOUT, MIRROR, type Process, type Scene } from "./scene.ts";
import type { State } from "./state.ts";

/** What a process does, in which each file call fails in turn. */
export interface Operation {
  readonly name: string;
  /** Takes the lock; without it, its calls are left out. */
  readonly locked?: boolean;
  /** What is there before, besides what every layout here has. */
  prepare?(scene: Scene, store: Store): Promise<void>;
  /** `store` is open already, unless the operation does that itself. */
  readonly opens?: boolean;
  run(process: Process, store: Store): Promise<unknown>;
  /** What is said when it is run again after it was done although it failed. */
  readonly over?: (error: unknown, state: State) => boolean;
  /**
   * It plans first, and what could not be read then is missing from the plan, and holds what is in it: `IN_USE` may be said
   * for the error.
   */
  readonly plans?: boolean;
  /** Its answer names what it could not read, and need not fail for it. */
  readonly reports?: boolean;
  /** What has to be so afterwards; the same as after a run in which nothing failed, unless given. */
  readonly changesNothing?: boolean;
}

const HALF = "the first half of it, ";
const WHOLE = `${HALF}and the second half`;

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await all(pieces)).toString();
}

const saidOf = (findings: readonly Finding[]) =>
  findings.map(({ level, code, digest }) => `${level} ${code} ${digest}`).sort();

/** What a plan would take; ids and times are its own. */
const takenBy = (plan: Plan) => ({ ...planTotals(plan), items: plan.items.map(({ digest }) => digest).sort() });

export const pushing: readonly Operation[] = [
  {
    name: "init",
    opens: true,
    prepare: async ({ disk }) => {
      for (const [path] of [...disk.files()]) if (path.startsWith(`${LAYOUT}/`)) disk.unlink(path);
    },
    run: ({ fs, scene }) => initLayout(LAYOUT, { fs, env: scene.clock, keep: true }),
  },
  {
    name: "open, and list the tags",
    opens: true,
    changesNothing: true,
    run: async (process) => {
      const store = await process.open();
      const tags = await tagsOf(store.repository());
      await store.close();
      return tags;
    },
  },
  {
    name: "read an image",
    changesNothing: true,
    run: async (_, store) => {
      const repository = store.repository();
      const { layers } = await repository.manifest("v1");
      const texts = [];
      for (const { digest } of layers) texts.push(await textOf(repository.blob(digest)));
      return texts;
    },
  },
  {
    name: "push a blob",
    locked: true,
    run: async (_, store) => {
      const session = store.repository().openSession("s");
      async function* source() {
        yield bytes("one piece, ");
        yield bytes("another");
      }
      return (await session.putBlob(source())).digest;
    },
  },
  {
    name: "go on with an upload",
    prepare: async (_, store) => {
      const upload = await store.parts.blobs.upload("u", { create: true });
      await upload.write([bytes(HALF)] as never, { at: 0 });
      await upload.release();
    },
    run: async (_, store) => {
      const session = store.repository().openSession("s");
      async function* stream(start: number) {
        yield bytes(WHOLE.slice(start));
      }
      return (await session.putBlob({ stream, digest: digestOf(bytes(WHOLE)), size: WHOLE.length }, { resume: "u" }))
        .digest;
    },
  },
  {
    name: "push an image",
    run: (_, store) =>
      store.repository().session(async (session) => {
        const layers = [await session.putBlob(SHARED), await session.putBlob(bytes("a layer of the new one"))];
        return (await putImage(session, "new", { tag: "new", layers })).digest;
      }),
  },
  {
    name: "copy an image from another layout",
    run: async (process, store) => {
      const mirror = await process.open(MIRROR);
      const { root } = await copy(mirror.repository(), store.repository(), "multi", {
        referrers: true,
        tags: ["copied"],
        concurrency: 1,
      });
      await mirror.close();
      return root.digest;
    },
  },
  {
    name: "import an archive",
    // It works at several things at a time.
    locked: true,
    prepare: async ({ disk }, store) => {
      await writeArchive(store, "/store/in.tar", {
        fs: disk.fileSystem("whoever makes it"),
        references: ["multi"],
        referrers: true,
      });
      await store.repository().delete("multi", { window: 0 });
    },
    run: async ({ fs, scene }, store) => {
      const archive = await openArchive("/store/in.tar", { fs, env: scene.clock });
      const { roots } = await importArchive(archive, store);
      await archive.close();
      return roots.map(({ tag, descriptor }) => [tag, descriptor.digest]);
    },
  },
  {
    name: "export an archive",
    run: async ({ fs }, store) => {
      const { size } = await writeArchive(store, "/store/out.tar", { fs });
      return size;
    },
  },
];

export const changing: readonly Operation[] = [
  {
    name: "tag",
    locked: true,
    run: async (_, store) => void (await store.repository().tag("v2", "v1")),
  },
  {
    name: "untag",
    run: (_, store) => store.repository().untag("v1"),
    over: (error, { tags }) => isOciStoreError(error, "NOT_FOUND") && !("v1" in tags),
  },
  { name: "pin", run: (_, store) => store.repository().pin("v1", "kept") },
  {
    name: "unpin",
    prepare: async (_, store) => store.repository().pin("v1", "kept"),
    run: (_, store) => store.repository().unpin("kept"),
    over: (error, { pins }) => isOciStoreError(error, "NOT_FOUND") && !("kept" in pins),
  },
  {
    name: "delete",
    plans: true,
    run: async (_, store) => void (await store.repository().delete("multi")),
    over: (error, { tags }) => isOciStoreError(error, "NOT_FOUND") && !("multi" in tags),
  },
  {
    name: "delete with a window",
    plans: true,
    run: async (_, store) => void (await store.repository().delete("multi", { window: HOUR })),
    over: (error, { tags }) => isOciStoreError(error, "NOT_FOUND") && !("multi" in tags),
  },
  {
    name: "undo",
    prepare: async (_, store) => {
      await store.repository().tag("v1", "also");
      await store.repository().delete(["multi", "also"], { window: HOUR, children: "keep" });
    },
    run: async (_, store) => void (await store.undo()),
    over: (error, { tags }) => isOciStoreError(error, "NOT_FOUND") && "multi" in tags,
  },
  {
    name: "end of a session",
    locked: true,
    prepare: async (_, store) => void (await store.repository().openSession("s").putBlob(bytes("held"))),
    run: (_, store) => store.repository().openSession("s").end(),
  },
];

/** Garbage, and the bytes of a manifest that a foreign tool has untagged. */
const untagged = async ({ disk }: Scene) => {
  const path = `${LAYOUT}/index.json`;
  const index = JSON.parse(new TextDecoder().decode(disk.content(path)));
  const named = (tag: string) => (entry: { annotations?: Record<string, string> }) =>
    Object.values(entry.annotations ?? {}).includes(tag);
  const manifests = index.manifests.filter(named("v1"));
  disk.put(path, bytes(JSON.stringify({ ...index, manifests })));
};

export const collecting: readonly Operation[] = [
  {
    name: "plan a deletion",
    changesNothing: true,
    reports: true,
    run: async (_, store) => takenBy(await store.repository().planDelete("multi")),
  },
  {
    name: "plan a collection",
    changesNothing: true,
    reports: true,
    run: async (_, store) => takenBy(await store.planCollect({ grace: 0 })),
  },
  { name: "collect", prepare: untagged, run: async (_, store) => void (await store.collect({ grace: 0 })) },
  {
    name: "collect, but erase later",
    prepare: untagged,
    run: async (_, store) => {
      const plan = await store.planCollect({ grace: 0 });
      await store.apply({ ...plan, header: { ...plan.header, hold: HOUR } });
    },
  },
  {
    name: "erase what waits",
    prepare: async (scene, store) => {
      await store.repository().delete("multi", { window: HOUR });
      scene.clock.advance(2 * HOUR);
    },
    run: async (_, store) => void (await store.collect()),
  },
  {
    name: "empty the trash",
    prepare: async (_, store) => void (await store.repository().delete("multi", { window: HOUR })),
    run: async (_, store) => void (await store.emptyTrash()),
  },
];

/** A layer that is damaged, one that is missing, and files of ours that cannot be read. */
const damaged = async (scene: Scene) => {
  const at = (text: string | Uint8Array) =>
    `${LAYOUT}/blobs/${digestOf(typeof text === "string" ? bytes(text) : text).replace(":", "/")}`;
  scene.disk.put(at(SHARED), bytes("something else of the same kind"));
  scene.disk.unlink(at("layer of v2"));
  scene.disk.put(`${LAYOUT}/.ocistore/pins.json`, bytes('{"format":1,"pins":[{"name":'));
  scene.disk.put(`${LAYOUT}/.ocistore/index.json.new`, bytes("{"));
};

export const checking: readonly Operation[] = [
  {
    name: "fsck",
    changesNothing: true,
    reports: true,
    run: async (_, store) => saidOf(await all(store.check())),
  },
  {
    name: "fsck --repair",
    prepare: damaged,
    opens: true,
    reports: true,
    run: async (process) => {
      const store = await process.open();
      const mirror = await process.open(MIRROR);
      await all(store.check({ repair: true, from: [mirror.repository()] }));
      await mirror.close();
      await store.close();
    },
  },
  {
    name: "fsck --repair of an index.json that is cut off",
    prepare: async ({ disk }) => {
      const path = `${LAYOUT}/index.json`;
      disk.put(path, disk.content(path)!.subarray(0, -40));
    },
    opens: true,
    reports: true,
    run: async (process) => {
      const store = await process.open();
      await all(store.check({ repair: true }));
      await store.close();
    },
  },
];

/** The layout that all begin with. */
export async function furnished(scene: Scene): Promise<void> {
  const { fs } = scene.process();
  await fs.mkdir("/store");
  for (const directory of [MIRROR, LAYOUT]) {
    await initLayout(directory, { fs, env: scene.clock });
    const store = await scene.process().open(directory);
    await furnish(store, scene);
    await store.close();
  }
}
