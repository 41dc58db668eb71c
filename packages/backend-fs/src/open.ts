import { resolve } from "node:path";
import {
  type BlobStore,
  type Catalog,
  CellCatalog,
  checkedPolicy,
  DIGEST_ALGORITHMS,
  digestOf,
  type Environment,
  field,
  harmless,
  isJsonObject,
  type Listing,
  OciStoreError,
  type OnEvent,
  openStore,
  type Policy,
  parseJson,
  randomId,
  type Signal,
  type Store,
  systemEnvironment,
} from "@ocistore/core";
import { createFile, Directories, makeDirectory, replaceFile } from "./files/durable.ts";
import { hasCode, reported } from "./files/errors.ts";
import type { FileSystem } from "./files/file-system.ts";
import { nodeFileSystem } from "./files/node-file-system.ts";
import { readWhole } from "./files/read.ts";
import { LayoutBlobs } from "./layout/blobs.ts";
import { LayoutCell } from "./layout/cell.ts";
import { LayoutFacts } from "./layout/facts.ts";
import { INDEX_LIMIT, IndexDocument, type IndexOptions } from "./layout/index-document.ts";
import { IndexListing } from "./layout/index-listing.ts";
import { Paths } from "./layout/paths.ts";
import { installCatalog, mustBePlain, replaceCatalog } from "./layout/plain.ts";
import { whole } from "./layout/torn.ts";
import { Writers } from "./layout/writers.ts";
import { openLock } from "./lock/choose-lock.ts";
import type { Lock } from "./lock/lock.ts";
import { observedLock } from "./lock/observed-lock.ts";
import type { OwnerProbe } from "./lock/owner.ts";
import { processProbe } from "./lock/process-owner.ts";
import { LayoutUpkeep } from "./repair/upkeep.ts";
import { encodeSettings, readSettings } from "./sidecar/settings.ts";

const HOUR = 60 * 60_000;

/** A layout that `init` made is ours alone, so nothing needs to wait for tools that honour no lock. */
export const OWN_POLICY: Policy = { grace: HOUR, window: 0, wait: 0 };
/** For a store that several people or machines push to. */
export const SHARED_POLICY: Policy = { grace: 24 * HOUR, window: 24 * HOUR, wait: 0 };
/** Of a layout that another tool made, and may still be using. */
export const FOREIGN_POLICY: Policy = { grace: HOUR, window: 0, wait: HOUR, foreign: true };

export interface OpenLayoutOptions extends IndexOptions {
  /** Make the layout if there is none. Default: `LAYOUT_INVALID`. */
  readonly create?: boolean | undefined;
  /** Write nothing, not even a lock. */
  readonly readOnly?: boolean | undefined;
  /** Of a layout that is made by this call. */
  readonly policy?: Policy | undefined;
  readonly env?: Environment | undefined;
  /** Default: this machine's disks. */
  readonly fs?: FileSystem | undefined;
  /** Default: the kernel's lock where it can be had, and a numbered lock file. */
  readonly lock?: Lock | undefined;
  /** Told what has happened, and how long others kept the lock; see `StoreEvent`. */
  readonly onEvent?: OnEvent | undefined;
  /** What is known about processes, for the locks of uploads. Default: those of this machine. */
  readonly probe?: OwnerProbe | undefined;
}

/**
 * Opens an OCI image layout as a store with one repository. The cost does not depend on what is in it, and nothing is
 * written: what a crash has left is dealt with by the next command that changes something.
 *
 * @throws `LAYOUT_INVALID`, `UNSUPPORTED` if a newer ocistore has written it, `PERMISSION`.
 *
 * @example
 * const store = await openLayout("./images", { create: true });
 * try {
 *   for await (const { name } of store.repository().tags()) console.log(name);
 * } finally {
 *   await store.close();
 * }
 */
export async function openLayout(directory: string, o: OpenLayoutOptions = {}): Promise<Store> {
  const { fs, paths, env, root, lock, directories, readOnly, blobs, plain: catalog } = await grounds(directory, o);
  await mustBePlain(fs, paths);
  const reopen = (shown: { readonly fs: FileSystem; readonly lock: Lock }) =>
    openLayout(root, { ...shown, env, roots: o.roots, readOnly: true });
  const upkeep = new LayoutUpkeep({ fs, paths, env, lock, directories, readOnly, reopen });
  return openStore({ blobs, catalog, env, upkeep, onEvent: o.onEvent });
}

/** A layout for who brings a catalog of his own, kept in a file beside it. */
export interface LayoutParts {
  readonly blobs: BlobStore;
  /** index.json, which that catalog keeps true for other tools. */
  readonly listing: Listing;
  /** Where the catalog lies. While a file is there, nobody uses the layout without it. */
  readonly catalogPath: string;
  readonly hasCatalog: boolean;
  /** The record of the layout without such a catalog. Where there is one, it is of no more use. */
  readonly plain: Catalog;
  /**
   * Gives the layout a catalog: `make` writes a whole one at the path that it is told, while nobody of ours changes anything, and then
   * it takes its place. Whatever dies before that leaves the layout as it was.
   *
   * @throws `ALREADY_EXISTS` if it has one; `LOCKED` while a session is open; `CONFLICT` while something waits in the trash.
   */
  install<T>(make: (path: string) => Promise<T>, o?: Signal): Promise<T>;
  /** Gives it another catalog in place of the one that it has, in the same way. With `keep` that stays in `.ocistore/damaged/`. */
  replace<T extends { readonly keep: boolean }>(make: (path: string) => Promise<T>, o?: Signal): Promise<T>;
}

/** @throws As {@link openLayout}. */
export async function openLayoutParts(directory: string, o: OpenLayoutOptions = {}): Promise<LayoutParts> {
  const { fs, paths, env, lock, directories, readOnly, blobs, plain } = await grounds(directory, o);
  const ground = { fs, paths, lock, directories, plain };
  return {
    blobs,
    listing: new IndexListing({ fs, paths, env, directories, readOnly }),
    catalogPath: paths.catalog,
    hasCatalog: (await reported("look at the catalog", paths.catalog, () => fs.lstat(paths.catalog))) !== undefined,
    plain,
    install: (make, options) => installCatalog(ground, make, options),
    replace: (make, options) => replaceCatalog(ground, make, options),
  };
}

async function grounds(directory: string, o: OpenLayoutOptions) {
  const fs = o.fs ?? nodeFileSystem();
  const env = o.env ?? systemEnvironment;
  // Made absolute at once, so that a later change of the working directory changes nothing.
  const root = resolve(directory);
  if (o.create && !o.readOnly) await initLayout(root, { ...o, fs, env, keep: true });
  const paths = new Paths(await realRoot(fs, root));
  await checkLayout(fs, paths, env);

  const identity = `layout:${digestOf(new TextEncoder().encode(paths.root))}`;
  const open = o.lock ?? (await openLock(fs, paths.lock, env));
  const lock = o.onEvent ? observedLock(open, env, harmless(o.onEvent)) : open;
  const readOnly = o.readOnly ?? false;
  const directories = new Directories(fs);
  const cell = new LayoutCell(fs, paths, lock, {
    readOnly,
    directories,
    roots: o.roots,
    identity,
    policy: FOREIGN_POLICY,
    now: () => env.now(),
    sleep: (ms, signal) => env.sleep(ms, signal),
  });
  const plain = new CellCatalog(cell, {
    facts: new LayoutFacts(fs, paths, env),
    env,
    window: true,
    onEvent: o.onEvent,
  });
  const writers = new Writers(fs, paths, env, { lock, probe: o.probe ?? processProbe() });
  const blobs = new LayoutBlobs(fs, paths, env, { readOnly, directories, writers });
  return { fs, env, root, paths, lock, readOnly, directories, blobs, plain };
}

/**
 * Makes an empty layout, and declares it ours alone. `oci-layout` comes last: a directory without it is no layout, so a
 * crash half-way leaves something that this call can finish.
 *
 * @param o.keep A layout that is there already is left as it is; without it, `ALREADY_EXISTS`.
 * @throws `LAYOUT_INVALID` if the directory holds anything else.
 */
export async function initLayout(
  directory: string,
  o: {
    readonly policy?: Policy | undefined;
    readonly keep?: boolean | undefined;
    readonly env?: Environment | undefined;
    readonly fs?: FileSystem | undefined;
  } = {},
): Promise<void> {
  const fs = o.fs ?? nodeFileSystem();
  const env = o.env ?? systemEnvironment;
  const policy = checkedPolicy(o.policy ?? OWN_POLICY);
  const root = resolve(directory);
  const paths = new Paths(root);
  await reported("make a layout", root, async () => {
    if (await fs.lstat(paths.ociLayout)) {
      if (!o.keep) throw alreadyExists(root);
      // Whoever made it may have died just before this.
      await fs.syncDirectory(root);
      return;
    }
    await makeParents(fs, root);
    for await (const { name } of fs.readdir(root)) {
      // The last one: somebody else is making it too, and was faster.
      if (!["blobs", "index.json", ".ocistore", "oci-layout"].includes(name)) {
        throw new OciStoreError("LAYOUT_INVALID", `not empty, and not a layout: ${root} has ${name}`, { path: root });
      }
    }
    for (const made of [paths.blobs, paths.ours]) await makeDirectory(fs, made);
    const fresh = () => ({ temp: paths.fresh(`init-${randomId(env, 8)}`) });
    // Made, never replaced: whoever is late must not empty what is in use by now.
    if (!(await createFile(fs, paths.index, IndexDocument.empty(), fresh()))) await mustBeEmpty(fs, paths);
    const settings = encodeSettings({ identity: randomId(env), policy });
    if (!(await createFile(fs, paths.store, settings, fresh())) && !(await fs.lstat(paths.ociLayout))) {
      const present = await readSettings(fs, paths);
      if (!isSame(present?.policy, policy)) await replaceFile(fs, paths.store, settings, fresh());
    }
    const made = await createFile(
      fs,
      paths.ociLayout,
      new TextEncoder().encode('{"imageLayoutVersion":"1.0.0"}'),
      fresh(),
    );
    if (!made && !o.keep) throw alreadyExists(root);
  });
}

function alreadyExists(root: string): OciStoreError {
  return new OciStoreError("ALREADY_EXISTS", `there is a layout already: ${root}`, { path: root });
}

function isSame(a: Policy | undefined, b: Policy): boolean {
  return (
    a !== undefined &&
    Buffer.compare(encodeSettings({ identity: "", policy: a }), encodeSettings({ identity: "", policy: b })) === 0
  );
}

/** An index.json that was not made just now is what a crash has left, or somebody's. */
async function mustBeEmpty(fs: FileSystem, { root, index, ociLayout }: Paths): Promise<void> {
  const bytes = await readWhole(fs, index, INDEX_LIMIT);
  const { repository, faults } = IndexDocument.parse(bytes ?? new Uint8Array(), {});
  if ((repository.manifests.size === 0 && faults.length === 0) || (await fs.lstat(ociLayout))) return;
  throw new OciStoreError("LAYOUT_INVALID", `not empty, and not a layout: the index.json of ${root} has entries`, {
    path: index,
  });
}

async function makeParents(fs: FileSystem, path: string): Promise<void> {
  const parent = resolve(path, "..");
  if (parent !== path && !(await fs.lstat(parent))) await makeParents(fs, parent);
  if (!(await fs.lstat(path))) await makeDirectory(fs, path);
  else await syncParent(fs, path);
}

/** Of a directory that is there, and that somebody may have made who died before it was durable. */
async function syncParent(fs: FileSystem, path: string): Promise<void> {
  try {
    await fs.syncDirectory(resolve(path, ".."));
  } catch (error) {
    // One that we may not open is not ours, and nor is what lies in it.
    if (!hasCode(error, "EACCES", "EPERM")) throw error;
  }
}

async function realRoot(fs: FileSystem, root: string): Promise<string> {
  return reported("open the layout", root, async () => {
    const stat = await fs.lstat(root);
    if (!stat) throw new OciStoreError("LAYOUT_INVALID", `no such directory: ${root}`, { path: root });
    return fs.realpath(root);
  });
}

/** The version must be one we know; links in place of directories could lead a write anywhere. */
async function checkLayout(fs: FileSystem, paths: Paths, env: Environment): Promise<void> {
  const path = paths.ociLayout;
  const version = await whole(() => versionOf(fs, paths), env);
  if (version !== "1.0.0") {
    throw new OciStoreError("LAYOUT_INVALID", `image layout version ${JSON.stringify(version)} is not 1.0.0: ${path}`, {
      path,
    });
  }
  const index = await reported("open the layout", paths.index, () => fs.lstat(paths.index));
  if (index?.kind !== "file") {
    throw new OciStoreError("LAYOUT_INVALID", `not an image layout, there is no index.json: ${paths.root}`, {
      path: paths.index,
    });
  }
  const ours = [paths.ours, paths.lock, paths.sessions, paths.trash, paths.uploads];
  for (const directory of [paths.blobs, ...DIGEST_ALGORITHMS.map((name) => paths.algorithm(name)), ...ours]) {
    const stat = await reported("open the layout", directory, () => fs.lstat(directory));
    if (stat && stat.kind !== "directory") {
      throw new OciStoreError("LAYOUT_INVALID", `not a directory: ${directory}`, { path: directory });
    }
  }
  await readSettings(fs, paths);
}

async function versionOf(fs: FileSystem, { root, ociLayout: path }: Paths): Promise<unknown> {
  const bytes = await readWhole(fs, path, 64 * 1024);
  if (!bytes)
    throw new OciStoreError("LAYOUT_INVALID", `not an image layout, there is no oci-layout: ${root}`, { path });
  try {
    const json = parseJson(bytes);
    return isJsonObject(json) ? field(json, "imageLayoutVersion") : undefined;
  } catch (error) {
    throw new OciStoreError("LAYOUT_INVALID", `oci-layout cannot be read: ${path}`, { path }, { cause: error });
  }
}
