import { isDigest, type Ms, type Pin } from "@ocistore/core";
import { entriesOf } from "../files/listing.ts";
import { readWhole } from "../files/read.ts";
import { isSafeName } from "../layout/paths.ts";
import { encodeJson } from "../sidecar/json-file.ts";
import { encodePins, pinIn, readLeases, readLost, readPins, readSettings } from "../sidecar/settings.ts";
import { readRun } from "../sidecar/trash.ts";
import { type Bench, damageOf } from "./bench.ts";
import { salvage } from "./salvage.ts";

const LIMIT = 64 * 1024 * 1024;

/** Our own small files: what is damaged is set aside, and what is safe takes its place. */
export async function mendSidecar(bench: Bench): Promise<void> {
  await mendSettings(bench);
  await mendPins(bench);
  await mendLeases(bench);
  await mendLost(bench);
  await mendRuns(bench);
}

/** Looks at all of them: one that a newer ocistore has written means that nothing here is ours to judge. */
export async function mustBeOfOurFormat({ fs, paths }: Bench): Promise<void> {
  const reads = [readSettings, readPins, readLeases, readLost];
  for (const read of reads) await damageOf(() => read(fs, paths));
  for (const { name } of await runsIn(paths.trash, fs)) await damageOf(() => readRun(fs, paths, name));
}

/** Without its settings a store follows the policy for layouts that other tools use too, which is the most careful one. */
async function mendSettings(bench: Bench): Promise<void> {
  const { fs, paths } = bench;
  const error = await damageOf(() => readSettings(fs, paths));
  if (!error) return;
  const message = "store.json is damaged: the policy is lost, and plans that were saved are for another store now";
  const how = "set aside; the policy is that of a layout which other tools use, until `config set` or `init` gives one";
  await bench.mend({ level: "error", code: "layout", path: paths.store, message }, how, () =>
    bench.setAside(paths.store),
  );
}

async function mendPins(bench: Bench): Promise<void> {
  const { fs, paths } = bench;
  if (!(await damageOf(() => readPins(fs, paths)))) return;
  const bytes = await readBroken(bench, paths.pins);
  const pins = new Map<string, Pin>();
  for (const object of salvage(bytes, (each) => pinIn(each) !== undefined)) {
    const [name, pin] = pinIn(object)!;
    pins.set(name, pin);
  }
  const finding = { level: "error", code: "layout", path: paths.pins, message: "pins.json is damaged" } as const;
  await bench.mend(finding, `set aside; ${pins.size} of its pins could be read and hold again`, () =>
    bench.replace(paths.pins, encodePins(pins)),
  );
  const message =
    "pins may be lost: look into the file that was set aside, and pin again what has to stay before you collect";
  if (bench.mode !== "look") bench.note({ level: "warning", code: "layout", path: paths.pins, message });
}

/** Whoever collects has an epoch that no other has had. The time is higher than any number of collections. */
async function mendLeases(bench: Bench): Promise<void> {
  const { fs, paths, env } = bench;
  if (!(await damageOf(() => readLeases(fs, paths)))) return;
  const now = env.now();
  const json = encodeJson({ leases: { collect: { epoch: now, until: now } } });
  const finding = { level: "warning", code: "layout", path: paths.leases, message: "leases.json is damaged" } as const;
  await bench.mend(finding, "set aside; a collection that is under way has to begin anew", () =>
    bench.replace(paths.leases, json),
  );
}

/** Whatever it mentions loses its last reason now, as far as its grace is concerned: nothing goes sooner by that. */
async function mendLost(bench: Bench): Promise<void> {
  const { fs, paths, env } = bench;
  if (!(await damageOf(() => readLost(fs, paths)))) return;
  const text = new TextDecoder().decode(await readBroken(bench, paths.lost));
  const digests = [...new Set(text.match(/sha(?:256|384|512):[0-9a-f]+/g))].filter(isDigest);
  const json = encodeJson({ lost: Object.fromEntries(digests.map((digest) => [digest, env.now()])) });
  const finding = { level: "warning", code: "layout", path: paths.lost, message: "lost.json is damaged" } as const;
  await bench.mend(finding, `set aside; the grace of ${digests.length} manifests that it mentions begins anew`, () =>
    bench.replace(paths.lost, json),
  );
}

const WAIT: Ms = 24 * 60 * 60_000;

async function mendRuns(bench: Bench): Promise<void> {
  const { fs, paths, env } = bench;
  for (const { name } of await runsIn(paths.trash, fs)) {
    if (await damageOf(() => readRun(fs, paths, name))) {
      const path = paths.runRecord(name);
      const text = new TextDecoder().decode(await readBroken(bench, path));
      const said = Number(/"until":\s*(\d{1,15})\b/.exec(text)?.[1] ?? 0);
      const now = env.now();
      // Whoever gave it a window meant it to stay that long, and nobody knows how long that was.
      const json = encodeJson({ at: now, until: Math.max(said, now + WAIT), tags: [], manifests: [] });
      const message = `the record of run ${name} is damaged: it cannot be undone as a whole`;
      const how = "set aside; its content waits for another day at least, and what is in use comes back";
      await bench.mend({ level: "error", code: "layout", path, message }, how, () => bench.replace(path, json));
    } else if ((await entriesOf(fs, paths.run(name))).length === 0) {
      const message = `run ${name} is empty: a command that died has left it`;
      await bench.mend({ level: "note", code: "leftover", path: paths.run(name), message }, "removed", () =>
        fs.rmdir(paths.run(name)),
      );
    }
  }
}

async function runsIn(trash: string, fs: Bench["fs"]) {
  return (await entriesOf(fs, trash)).filter(({ name, kind }) => kind === "directory" && isSafeName(name));
}

/** Too large a file is damaged too, and none of it is read. */
async function readBroken({ fs }: Bench, path: string): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined;
  await damageOf(async () => {
    bytes = await readWhole(fs, path, LIMIT);
  });
  return bytes ?? new Uint8Array();
}
