import { initLayout } from "@ocistore/backend-fs";
import type { Session } from "@ocistore/core";
import { content } from "../content.ts";
import { FURNISHED, furnish, makeEmpty, putBlob, putImage, putManifest } from "../furnish.ts";
import type { Scenario, Step } from "../scenario.ts";
import { EMPTY, type State, UPLOAD } from "../state.ts";
import type { Process } from "../world.ts";

const step = (name: string, after: State, work: (session: Session) => Promise<unknown>): Step => ({
  name,
  after,
  run: async (process) => work((await process.store()).repository().openSession("s")),
});

const FRESH = { tags: { ...FURNISHED.tags, fresh: "fresh" } };

const REFERRED: State = {
  ...FURNISHED,
  tags: { ...FURNISHED.tags, pair: "pair" },
  referrers: ["signature", "sbom"],
};

/** More than one write, and torn in the middle of one. */
const LAYER = content("layer of fresh").bytes;
const HALF = LAYER.length >> 1;

async function write(process: Process, from: number, to: number): Promise<void> {
  const { blobs } = (await process.store()).parts;
  const upload = await blobs.upload(UPLOAD, { create: from === 0 });
  await upload.write(
    (async function* () {
      yield LAYER.slice(from, to);
    })(),
    { at: from },
  );
  await upload.release();
}

/** What a client does that was told nothing: it asks how far it came, and sends the rest; if the bytes are wrong, all. */
async function sendAgain(process: Process): Promise<void> {
  const store = await process.store();
  const put = (again: Session) =>
    again.putBlob(
      {
        stream: async function* (start: number) {
          yield LAYER.slice(start);
        },
        digest: content("layer of fresh").descriptor.digest,
        size: LAYER.length,
      },
      { resume: UPLOAD },
    );
  await store.repository().session(async (again) => {
    await put(again).catch(() => put(again));
    await putManifest(again, "fresh", "fresh");
  });
}

function init({ place, fs, env }: Process): Promise<void> {
  return initLayout(place.directory, { fs, env, keep: true });
}

export const pushes: readonly Scenario[] = [
  {
    name: "init",
    before: EMPTY,
    prepare: async () => {},
    steps: [{ name: "init", after: EMPTY, run: init }],
    again: init,
  },
  {
    name: "first push",
    before: EMPTY,
    prepare: makeEmpty,
    steps: [
      step("a blob", { ...EMPTY, stored: ["layer of x86"] }, (s) => putBlob(s, "layer of x86")),
      step("a manifest", { ...EMPTY, tags: { x86: "x86" } }, (s) => putManifest(s, "x86", "x86")),
    ],
  },
  {
    name: "push",
    before: FURNISHED,
    prepare: async (place) => void (await furnish(place)),
    steps: [
      step("a blob that is there", FURNISHED, (s) => putBlob(s, "shared")),
      step("a blob that nobody else names", { ...FURNISHED, claimed: ["garbage"] }, (s) =>
        s.has([content("garbage").descriptor.digest]),
      ),
      step("a new blob", { ...FURNISHED, claimed: ["garbage"], stored: ["layer of fresh"] }, (s) =>
        putBlob(s, "layer of fresh"),
      ),
      step("the manifest", { ...FURNISHED, ...FRESH, claimed: ["garbage"] }, (s) => putManifest(s, "fresh", "fresh")),
      step("the end", { ...FURNISHED, ...FRESH }, (s) => s.end()),
    ],
  },
  {
    name: "push of an index",
    before: FURNISHED,
    prepare: async (place) => void (await furnish(place)),
    steps: [
      step("a child", { ...FURNISHED, own: ["x86"] }, (s) => putImage(s, "x86")),
      step("another", { ...FURNISHED, own: ["x86", "riscv"] }, (s) => putImage(s, "riscv")),
      {
        ...step("the index", { ...FURNISHED, tags: { ...FURNISHED.tags, pair: "pair" } }, (s) =>
          putManifest(s, "pair", "pair"),
        ),
        meanwhile: FURNISHED,
      },
      {
        ...step("a referrer", REFERRED, (s) => putImage(s, "sbom")),
        meanwhile: REFERRED,
      },
    ],
  },
  {
    name: "resumable ingest, its first half",
    before: FURNISHED,
    prepare: async (place) => void (await furnish(place)),
    steps: [{ name: "half of it", after: { ...FURNISHED, upload: HALF }, run: (process) => write(process, 0, HALF) }],
    besides: sendAgain,
  },
  {
    name: "resumable ingest, gone on with",
    before: { ...FURNISHED, upload: HALF },
    prepare: async (place) => write(await furnish(place), 0, HALF),
    steps: [
      {
        name: "the rest",
        after: { ...FURNISHED, upload: LAYER.length },
        run: (process) => write(process, HALF, LAYER.length),
      },
      step("the end of the upload", { ...FURNISHED, stored: ["layer of fresh"] }, (s) =>
        s.putBlob(
          {
            stream: async function* () {},
            digest: content("layer of fresh").descriptor.digest,
            size: LAYER.length,
          },
          { resume: UPLOAD },
        ),
      ),
      step("the manifest", { ...FURNISHED, ...FRESH }, (s) => putManifest(s, "fresh", "fresh")),
    ],
    besides: sendAgain,
  },
  {
    name: "an upload that is given up",
    before: { ...FURNISHED, upload: HALF },
    prepare: async (place) => write(await furnish(place), 0, HALF),
    steps: [{ name: "abort", after: FURNISHED, run: async (process) => (await process.store()).dropUpload(UPLOAD) }],
    besides: sendAgain,
  },
];
