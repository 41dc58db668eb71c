import {
  checkedRetention,
  type Digest,
  field,
  isDigest,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type Lease,
  type Pin,
  type Policy,
  type RetentionRule,
} from "@ocistore/core";
import type { FileSystem } from "../files/file-system.ts";
import type { Paths } from "../layout/paths.ts";
import { damaged, encodeJson, readDigest, readJsonFile, replaceOurs } from "./json-file.ts";

/** What `init` wrote: who this store is, and the policy that every process follows. */
export interface Settings {
  readonly identity: string;
  readonly policy: Policy;
}

export async function readSettings(fs: FileSystem, { store }: Paths): Promise<Settings | undefined> {
  const json = await readJsonFile(fs, store);
  if (!json) return undefined;
  const [id, grace, window, wait] = ["id", "grace", "window", "wait"].map((name) => field(json, name));
  if (typeof id !== "string" || !isTime(grace) || !isTime(window) || !isTime(wait)) throw damaged(store);
  const [untagged, retention] = ["untagged", "retention"].map((name) => field(json, name));
  if (untagged !== undefined && !isTime(untagged)) throw damaged(store);
  const rules = retention === undefined ? undefined : rulesIn(retention, store);
  return {
    identity: id,
    policy: { grace, window, wait, ...(untagged !== undefined && { untagged }), ...(rules && { retention: rules }) },
  };
}

function rulesIn(json: JsonValue, path: string): readonly RetentionRule[] {
  try {
    return checkedRetention(json);
  } catch (cause) {
    // Whatever these rules were to keep, nothing may be deleted by a part of them.
    throw damaged(path, cause);
  }
}

export async function writeSettings(fs: FileSystem, paths: Paths, settings: Settings): Promise<void> {
  await replaceOurs(fs, paths.store, paths.fresh("store.json"), encodeSettings(settings));
}

export function encodeSettings({ identity, policy }: Settings): Uint8Array {
  const { grace, window, wait, untagged, retention } = policy;
  return encodeJson({
    id: identity,
    grace,
    window,
    wait,
    ...(untagged !== undefined && { untagged }),
    ...(retention !== undefined && { retention: retention as unknown as JsonValue }),
  });
}

/** Pins that change together with index.json: which of both hold is for index.json to say. */
export interface Pending {
  /** The digest of index.json before the change, and after it. */
  readonly index: Digest;
  readonly next: Digest;
  /** Those that hold before it. */
  readonly pins: Iterable<readonly [string, Pin]>;
}

export interface PinsFile {
  readonly pins: Map<string, Pin>;
  /** Whether what `pins` is rests on index.json. */
  readonly isPending: boolean;
}

/**
 * The pins that hold with this index.json. If it is neither of those that a change of both knows, its writer has died and
 * another tool has written since: then all hold, the old ones under a name that nobody can give.
 */
export async function readPins(fs: FileSystem, { pins: path }: Paths, index?: Digest): Promise<PinsFile> {
  const json = await readJsonFile(fs, path);
  if (!json) return { pins: new Map(), isPending: false };
  const pins = pinsIn(json, path);
  const before = field(json, "before");
  if (before === undefined) return { pins, isPending: false };
  if (!isJsonObject(before)) throw damaged(path);
  const old = pinsIn(before, path);
  if (field(before, "index") === index) return { pins: old, isPending: true };
  if (field(before, "next") !== index) {
    for (const [name, pin] of old) if (pins.get(name)?.digest !== pin.digest) pins.set(`${OUTGOING}${name}`, pin);
  }
  return { pins, isPending: true };
}

/** No name of a pin begins so. */
const OUTGOING = "~";

function pinsIn(json: JsonObject, path: string): Map<string, Pin> {
  const list = field(json, "pins");
  if (!Array.isArray(list)) throw damaged(path);
  return new Map(
    list.map((each) => {
      const pin = isJsonObject(each) ? pinIn(each) : undefined;
      if (!pin) throw damaged(path);
      return pin;
    }),
  );
}

/** `undefined` if it is none. */
export function pinIn(json: JsonObject): [string, Pin] | undefined {
  const [name, digest, until] = ["name", "digest", "until"].map((key) => field(json, key));
  if (typeof name !== "string" || typeof digest !== "string" || !isDigest(digest)) return undefined;
  if (until !== undefined && !isTime(until)) return undefined;
  return [name, { digest: digest as Digest, until }];
}

export async function writePins(
  fs: FileSystem,
  paths: Paths,
  pins: Iterable<readonly [string, Pin]>,
  before?: Pending,
): Promise<void> {
  await replaceOurs(fs, paths.pins, paths.fresh("pins.json"), encodePins(pins, before));
}

export function encodePins(pins: Iterable<readonly [string, Pin]>, before?: Pending): Uint8Array {
  if (!before) return encodeJson({ pins: listOf(pins) });
  const { index, next } = before;
  return encodeJson({ pins: listOf(pins), before: { index, next, pins: listOf(before.pins) } });
}

function listOf(pins: Iterable<readonly [string, Pin]>): JsonObject[] {
  return [...pins].map(([name, { digest, until }]) => ({ name, digest, ...(until !== undefined && { until }) }));
}

export async function readLeases(fs: FileSystem, { leases }: Paths): Promise<Map<string, Lease>> {
  const read = new Map<string, Lease>();
  const json = await readJsonFile(fs, leases);
  const held = json && field(json, "leases");
  if (json && !isJsonObject(held ?? null)) throw damaged(leases);
  for (const [name, lease] of Object.entries((held as JsonObject | undefined) ?? {})) {
    const epoch = isJsonObject(lease) ? field(lease, "epoch") : undefined;
    const until = isJsonObject(lease) ? field(lease, "until") : undefined;
    if (!isTime(epoch) || !isTime(until)) throw damaged(leases);
    read.set(name, { epoch, until });
  }
  return read;
}

export async function writeLeases(fs: FileSystem, paths: Paths, leases: Iterable<[string, Lease]>): Promise<void> {
  const held = Object.fromEntries([...leases].map(([name, { epoch, until }]) => [name, { epoch, until }]));
  await replaceOurs(fs, paths.leases, paths.fresh("leases.json"), { leases: held });
}

export async function readLost(fs: FileSystem, { lost }: Paths): Promise<Map<Digest, number>> {
  const read = new Map<Digest, number>();
  const json = await readJsonFile(fs, lost);
  const list = json && field(json, "lost");
  if (json && !isJsonObject(list ?? null)) throw damaged(lost);
  for (const [digest, at] of Object.entries((list as JsonObject | undefined) ?? {})) {
    if (!isTime(at)) throw damaged(lost);
    read.set(readDigest(digest, lost), at);
  }
  return read;
}

export async function writeLost(fs: FileSystem, paths: Paths, lost: Iterable<[Digest, number]>): Promise<void> {
  await replaceOurs(fs, paths.lost, paths.fresh("lost.json"), { lost: Object.fromEntries(lost) });
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
