import { isDeepStrictEqual } from "node:util";
import { isOciStoreError, planLines, readPlan } from "@ocistore/core";
import { Paths } from "../../../packages/backend-fs/src/layout/paths.ts";
import { decodeRecord } from "../../../packages/backend-fs/src/lock/record.ts";
import { SessionFiles } from "../../../packages/backend-fs/src/sidecar/sessions.ts";
import {
  encodePins,
  encodeSettings,
  readLeases,
  readLost,
  readPins,
  readSettings,
} from "../../../packages/backend-fs/src/sidecar/settings.ts";
import { readTrash } from "../../../packages/backend-fs/src/sidecar/trash.ts";
import { furnish } from "../../../packages/backend-fs/test/support/content.ts";
import {
  copyOf,
  type MemoryFileSystem,
  memoryFileSystem,
} from "../../../packages/backend-fs/test/support/memory-file-system.ts";
import { World } from "../../../packages/backend-fs/test/support/world.ts";
import type { Target } from "./fuzzer.ts";

/** What it gives, or undefined if it was refused by an error of ours with a code. */
async function attempt<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isOciStoreError(error)) return undefined;
    throw error;
  }
}

function mustBe(claim: unknown, what: string): asserts claim {
  if (!claim) throw new Error(what);
}

const DIRECTORY = "/store";
const paths = new Paths(DIRECTORY);
const DIGEST = `sha256:${"a".repeat(64)}`;

/** The same bytes as each file that lies under `.ocistore/`. */
function everywhere(input: Uint8Array): MemoryFileSystem {
  const fs = memoryFileSystem();
  for (const directory of [paths.sessions, paths.run("r1")]) fs.volume.mkdirSync(directory, { recursive: true });
  const files = [paths.store, paths.pins, paths.leases, paths.lost, paths.session("s1"), paths.runRecord("r1")];
  for (const file of files) fs.volume.writeFileSync(file, Buffer.from(input));
  return fs;
}

async function* only(bytes: Uint8Array) {
  yield bytes;
}

/** What is read says the same when it has been written anew. */
const sidecar: Target = {
  seeds: [
    `{"format":1,"id":"x","grace":0,"window":5,"wait":7,"untagged":9,"retention":[{"match":["*","!a"],"keep":{"last":2,"versions":{"newest":1,"of":"major"}}}]}`,
    `{"format":1,"pins":[{"name":"p","digest":"${DIGEST}","until":5}],"before":{"index":"${DIGEST}","next":"${DIGEST}","pins":[]}}`,
    `{"format":1,"leases":{"collect":{"epoch":1,"until":2}}}`,
    `{"format":1,"lost":{"${DIGEST}":5}}`,
    `{"format":1,"at":1,"until":2,"tags":[{"name":"t","digest":"${DIGEST}"}],"manifests":[{"digest":"${DIGEST}","mediaType":"application/x","size":5,"own":true}],"absent":["${DIGEST}"],"entries":[{}]}`,
    `until 1764000000000\nhold ${DIGEST}\n\nuntil 1764000000001\n`,
    `held {"pid":5,"host":"h","boot":"b","namespace":"n","start":"1","kernel":"k"}\n`,
    `{"format":1,"kind":"collect","store":"x","hold":0,"changes":[],"before":1}\n{"digest":"${DIGEST}","size":5,"generation":"","kind":"blob","reason":"r"}\n`,
  ],
  words: [
    '{"format":1,',
    DIGEST,
    '"keep":',
    '"pins":',
    "null",
    "[",
    "]",
    "{",
    "}",
    ",",
    '"until":',
    "-1",
    "1e3",
    "\n",
    "hold ",
    "free",
    "held ",
  ],
  longest: 1200,
  steps: 1000,
  runs: 1000,
  read: async (input) => {
    const fs = everywhere(input);
    const settings = await attempt(() => readSettings(fs, paths));
    if (settings)
      mustBe(
        isDeepStrictEqual(await readSettings(everywhere(encodeSettings(settings)), paths), settings),
        "another policy when it is written anew",
      );
    const file = await attempt(() => readPins(fs, paths));
    if (file && !file.isPending)
      mustBe(
        isDeepStrictEqual((await readPins(everywhere(encodePins(file.pins)), paths)).pins, file.pins),
        "other pins when they are written anew",
      );
    await attempt(() => readLeases(fs, paths));
    await attempt(() => readLost(fs, paths));
    const trash = await attempt(() => readTrash(fs, paths, 5));
    for (const { at, until } of trash?.runs.values() ?? [])
      mustBe(Number.isSafeInteger(at) && Number.isSafeInteger(until), "a run without a time");
    for (const { until } of (await new SessionFiles(fs, paths, undefined as never).read()).values())
      mustBe(Number.isSafeInteger(until), "a session without an end");
    const record = decodeRecord(input);
    mustBe(record.state !== "held" || record.owner.pid > 0, "an owner that is a group of processes");
    const plan = await attempt(() => readPlan(only(input)));
    if (!plan) return;
    const again = await readPlan(only(new TextEncoder().encode([...planLines(plan)].join(""))));
    mustBe(isDeepStrictEqual(again, plan), "another plan when it is written anew");
  },
};

/** A furnished layout, and its files by name. */
async function furnished() {
  const fs = memoryFileSystem();
  await fs.mkdir(DIRECTORY);
  const world = await World.make({ fs, directory: DIRECTORY });
  await furnish(world);
  const { store } = await world.actor({ readOnly: true });
  const live = new Set<string>();
  const { items } = await store.planCollect({ grace: 0 });
  const garbage = new Set<string>(items.map(({ digest }) => digest));
  for await (const { digest } of store.parts.blobs.list()) if (!garbage.has(digest)) live.add(digest);
  const root = world.directory;
  const files = (fs.volume.readdirSync(root, { recursive: true }) as string[])
    .map((name) => `${root}/${name}`)
    .filter((path) => fs.volume.lstatSync(path).isFile())
    .sort();
  return { fs, files, live, index: world.paths.index };
}

const base = await furnished();

/** The first byte says which file of a layout has the others as its content. */
const layout: Target = {
  seeds: base.files.map((path, at) => String.fromCharCode(at) + base.fs.volume.readFileSync(path).toString("latin1")),
  words: ["{", "}", "[", "]", ",", '"digest":', DIGEST, "null", '"format":2', '"manifests":', "\n", "hold "],
  longest: 4000,
  steps: 1000,
  always: 1_000_000,
  runs: 40,
  read: async (input) => {
    const path = base.files[(input[0] ?? 0) % base.files.length]!;
    const fs = copyOf(base.fs);
    fs.volume.writeFileSync(path, Buffer.from(input.subarray(1)));
    const world = new World({ fs, directory: DIRECTORY });
    const before = JSON.stringify(fs.volume.toJSON());
    const plan = await attempt(async () => {
      const { store, repository } = await world.actor({ readOnly: true });
      for await (const { name } of repository.tags()) await attempt(() => repository.manifest(name));
      for await (const _ of store.check());
      return store.planCollect({ grace: 0 });
    });
    mustBe(JSON.stringify(fs.volume.toJSON()) === before, "looking has written something");
    if (path === base.index) return;
    for (const { digest } of plan?.items ?? []) mustBe(!base.live.has(digest), `${digest} would go, and is live`);
  },
};

export const LAYOUT_TARGETS: Readonly<Record<string, Target>> = { sidecar, layout };
