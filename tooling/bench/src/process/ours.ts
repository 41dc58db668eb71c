import { copy, MEDIA_TYPES, type Store } from "@ocistore/core";
import { madeUp } from "../layout/made-up.ts";
import { SUBJECTS, type Subject } from "./subjects.ts";

// What is measured of ours, a process for each measurement: node ours.js SUBJECT VERB DIR ARGUMENT…

type Work = (store: Store, argument: string, other: string) => Promise<void>;

const VERBS: Readonly<Record<string, Work>> = {
  async resolve(store, tag) {
    await store.repository().resolve(tag);
  },
  async push(store, count) {
    await store.repository().session(async (session) => {
      const config = await session.putBlob(new TextEncoder().encode("{}"));
      for (let number = 0; number < Number(count); number++) {
        const manifest = {
          schemaVersion: 2,
          mediaType: MEDIA_TYPES.imageManifest,
          artifactType: "application/vnd.example.note",
          config: { ...config, mediaType: MEDIA_TYPES.empty },
          layers: [],
          annotations: { number: `${number}` },
        };
        const bytes = new TextEncoder().encode(JSON.stringify(manifest));
        await session.putManifest({ bytes }, { tags: [`pushed-${number}`] });
      }
    });
  },
  async delete(store, tag) {
    await store.repository().delete(tag);
  },
  async gc(store) {
    await store.collect({ grace: 0 });
  },
  async du(store) {
    const { roots } = await store.usage();
    for (const _ of roots);
  },
  async fsck(store) {
    for await (const { message } of store.check()) throw new Error(message);
  },
  async copy(store, tag, directory) {
    const to = await open(directory, { create: true });
    await copy(store.repository(), to.repository(), tag);
    await to.close();
  },
  async blob(store, size) {
    await store.repository().session(async (session) => {
      await session.putBlob({ stream: stream(Number(size)), size: Number(size) });
    });
  },
};

async function* stream(size: number): AsyncGenerator<Uint8Array> {
  yield* madeUp(size);
}

const [subject = "", verb = "", directory = "", argument = "", other = ""] = process.argv.slice(2);
const open: Subject["open"] = SUBJECTS[subject as keyof typeof SUBJECTS].open;
const store = await open(directory, { create: verb === "blob" });
await VERBS[verb]!(store, argument, other);
await store.close();
