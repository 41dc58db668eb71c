import { resolve } from "node:path";
import {
  type Environment,
  type Finding,
  OciStoreError,
  type Signal,
  type Store,
  systemEnvironment,
} from "@ocistore/core";
import { Directories } from "../files/durable.ts";
import { reported } from "../files/errors.ts";
import type { FileSystem } from "../files/file-system.ts";
import { nodeFileSystem } from "../files/node-file-system.ts";
import { Paths } from "../layout/paths.ts";
import { mustBePlain } from "../layout/plain.ts";
import { openLock } from "../lock/choose-lock.ts";
import type { Lock } from "../lock/lock.ts";
import { openLayout } from "../open.ts";
import { LayoutUpkeep, NO_LOCK } from "./upkeep.ts";

export interface RepairLayoutOptions extends Signal {
  /** Say what would be done, and change nothing, times included. */
  readonly dryRun?: boolean | undefined;
  readonly env?: Environment | undefined;
  readonly fs?: FileSystem | undefined;
  readonly lock?: Lock | undefined;
}

/**
 * Mends what lies around the content of a layout: `oci-layout`, index.json, and what is ours under `.ocistore/`. For one
 * that {@link openLayout} refuses; `store.check({ repair: true })` does the same, and looks at the content besides.
 *
 * Nothing is destroyed: what is damaged is kept under `.ocistore/damaged/`. Who dies half-way can run it again.
 *
 * @throws `LAYOUT_INVALID` if this was no layout; `UNSUPPORTED` if a newer version has written it, or it has a catalog; `LOCKED`.
 *
 * @example
 * for (const { message, repaired } of await repairLayout("./images")) console.log(message, repaired ?? "");
 */
export async function repairLayout(directory: string, o: RepairLayoutOptions = {}): Promise<readonly Finding[]> {
  const upkeep = await upkeepOf(directory, o);
  return o.dryRun ? (await upkeep.preview(o)).findings : upkeep.look({ signal: o.signal, repair: true });
}

/**
 * What {@link repairLayout} would do, and the layout as it would be then, to look at only. Changes nothing.
 *
 * @throws as {@link repairLayout}.
 */
export async function foreseeLayout(
  directory: string,
  o: Omit<RepairLayoutOptions, "dryRun"> = {},
): Promise<{ readonly findings: readonly Finding[]; readonly store: Store }> {
  const { findings, fs } = await (await upkeepOf(directory, o)).preview(o);
  const store = await openLayout(directory, { fs, env: o.env, lock: NO_LOCK, readOnly: true });
  return { findings, store };
}

async function upkeepOf(directory: string, o: RepairLayoutOptions): Promise<LayoutUpkeep> {
  const fs = o.fs ?? nodeFileSystem();
  const env = o.env ?? systemEnvironment;
  const given = resolve(directory);
  const real = await reported("open the layout", given, async () => {
    if (await fs.lstat(given)) return fs.realpath(given);
    throw new OciStoreError("LAYOUT_INVALID", `no such directory: ${given}`, { path: given });
  });
  const paths = new Paths(real);
  // What index.json would be made of is in the catalog.
  await mustBePlain(fs, paths);
  const lock = o.lock ?? (await openLock(fs, paths.lock, env));
  return new LayoutUpkeep({
    fs,
    paths,
    env,
    lock,
    directories: new Directories(fs),
    readOnly: false,
    reopen: (shown) => openLayout(directory, { ...shown, env, readOnly: true }),
  });
}
