import { basename, dirname, resolve } from "node:path";
import { type Catalog, OciStoreError, type Signal } from "@ocistore/core";
import { closing, type Directories } from "../files/durable.ts";
import { reported } from "../files/errors.ts";
import type { FileSystem } from "../files/file-system.ts";
import { unlinkIfThere } from "../files/listing.ts";
import { nodeFileSystem } from "../files/node-file-system.ts";
import type { Lock } from "../lock/lock.ts";
import { Aside } from "../repair/aside.ts";
import { Paths } from "./paths.ts";

/**
 * With a catalog beside it a layout has another protocol: who decides by index.json would take what only the catalog knows of for
 * garbage.
 *
 * @throws `UNSUPPORTED`
 */
export async function mustBePlain(fs: FileSystem, paths: Paths): Promise<void> {
  if (!(await hasCatalog(fs, paths))) return;
  const message = `this layout has a catalog, and is opened with that: ${paths.root}`;
  throw new OciStoreError("UNSUPPORTED", message, { path: paths.catalog });
}

/** Whether a layout has a catalog beside it, and so is opened with that. @see `openLayoutParts` */
export function hasCatalogBeside(directory: string): Promise<boolean> {
  return hasCatalog(nodeFileSystem(), new Paths(resolve(directory)));
}

async function hasCatalog(fs: FileSystem, { catalog }: Pick<Paths, "catalog">): Promise<boolean> {
  return (await reported("look at the catalog", catalog, () => fs.lstat(catalog))) !== undefined;
}

interface Ground {
  readonly fs: FileSystem;
  readonly paths: Paths;
  readonly lock: Lock;
  readonly directories: Directories;
  readonly plain: Catalog;
}

/** Files that a database may have besides. */
const SUFFIXES = ["", "-wal", "-shm", "-journal"];

/** Under the lock until the catalog has its name: from then on nobody gets past {@link mustBePlain}. */
export async function installCatalog<T>(
  ground: Ground,
  make: (path: string) => Promise<T>,
  o: Signal = {},
): Promise<T> {
  return underLock(ground, o, async () => {
    const { fs, paths, plain } = ground;
    if (await hasCatalog(fs, paths)) {
      throw new OciStoreError("ALREADY_EXISTS", `there is a catalog already: ${paths.root}`, { path: paths.catalog });
    }
    await mustBeIdle(plain, o);
    return put(ground, make, async () => {});
  });
}

/**
 * One catalog in place of another. What a database had besides its file goes first, since it would count as that of the new one: by then
 * the old one is without it what it is with it, or cannot be read in any case.
 */
export async function replaceCatalog<T extends { readonly keep: boolean }>(
  ground: Ground,
  make: (path: string) => Promise<T>,
  o: Signal = {},
): Promise<T> {
  return underLock(ground, o, () =>
    put(ground, make, async ({ keep }) => {
      const { fs, paths, directories } = ground;
      const aside = new Aside(fs, paths, directories);
      if (keep) await aside.keep(paths.catalog, basename(paths.catalog));
      for (const suffix of SUFFIXES.slice(1)) {
        const path = `${paths.catalog}${suffix}`;
        if (keep) await aside.move(path, basename(path));
        else await unlinkIfThere(fs, path);
      }
      // What came back after a loss of power would count as that of the new one.
      await fs.syncDirectory(dirname(paths.catalog));
    }),
  );
}

async function underLock<T>({ paths, lock, directories }: Ground, o: Signal, work: () => Promise<T>): Promise<T> {
  await directories.ensure(paths.ours);
  const release = await lock.acquire(o);
  let done: T;
  try {
    done = await work();
  } catch (error) {
    await release().catch(() => {});
    throw error;
  }
  await release();
  return done;
}

async function put<T>(
  { fs, paths }: Ground,
  make: (path: string) => Promise<T>,
  before: (made: T) => Promise<void>,
): Promise<T> {
  const path = paths.fresh("catalog.db");
  const sweep = async () => {
    for (const suffix of SUFFIXES) await unlinkIfThere(fs, `${path}${suffix}`);
  };
  await reported("clear away an unfinished catalog", path, sweep);
  let made: T;
  try {
    made = await make(path);
  } catch (error) {
    // The failure to tell is that one; what is left is cleared away by the next try.
    await sweep().catch(() => {});
    throw error;
  }
  await reported("put the catalog in place", paths.catalog, async () => {
    const handle = await fs.open(path, "r+");
    await closing(handle, () => handle.sync());
    await before(made);
    await fs.rename(path, paths.catalog);
    await fs.syncDirectory(paths.ours);
  });
  return made;
}

/** What a session holds, and what waits in the trash, has no place in a catalog that comes from what is stored. */
async function mustBeIdle(plain: Catalog, o: Signal): Promise<void> {
  for await (const { why, name } of (await plain.graph(o)).allRoots(o)) {
    if (why !== "claim") continue;
    throw new OciStoreError("LOCKED", "a session is open, or was broken off within the last hour", {
      holders: [`session ${name}`],
    });
  }
  for await (const { run } of plain.runs(o)) {
    throw new OciStoreError("CONFLICT", "something waits in the trash: bring it back or empty it first", {
      reference: run,
    });
  }
}
