import {
  type Environment,
  type Finding,
  type Foreseen,
  field,
  isJsonObject,
  OciStoreError,
  parseJson,
  type Signal,
  type Store,
  type Upkeep,
  type UpkeepOptions,
} from "@ocistore/core";
import { createFile, Directories } from "../files/durable.ts";
import { reported } from "../files/errors.ts";
import type { FileSystem } from "../files/file-system.ts";
import { readWhole } from "../files/read.ts";
import type { Paths } from "../layout/paths.ts";
import { whole } from "../layout/torn.ts";
import type { Lock } from "../lock/lock.ts";
import { Bench, damageOf, type Mode } from "./bench.ts";
import { foreseenFileSystem } from "./foreseen-file-system.ts";
import { mendIndex } from "./index-file.ts";
import { listAsides, mendLeftovers } from "./leftovers.ts";
import { mendSidecar, mustBeOfOurFormat } from "./sidecar.ts";

export interface UpkeepGround {
  readonly fs: FileSystem;
  readonly paths: Paths;
  readonly env: Environment;
  readonly lock: Lock;
  readonly directories: Directories;
  readonly readOnly: boolean;
  /** The same layout, to look at only, on a file system that shows it otherwise. */
  reopen(o: { readonly fs: FileSystem; readonly lock: Lock }): Promise<Store>;
}

/** Nobody else sees what is only foreseen. */
export const NO_LOCK: Lock = { acquire: async () => async () => {} };

/** The care of what lies in a layout besides its content. */
export class LayoutUpkeep implements Upkeep {
  readonly #ground: UpkeepGround;

  constructor(ground: UpkeepGround) {
    this.#ground = ground;
  }

  async look({ signal, repair }: UpkeepOptions = {}): Promise<readonly Finding[]> {
    const { fs, paths, lock, directories, readOnly } = this.#ground;
    if (!repair) return this.#all("look", signal);
    if (readOnly) throw new OciStoreError("READ_ONLY", "this layout was opened for reading", { path: paths.root });
    // Before anything is written, the lock included: what this is not, and what a newer version has written, stays untouched.
    await mustBeLayout(this.#ground);
    await mustBeOfOurFormat(new Bench(fs, paths, { ...this.#ground, mode: "look" }));
    await directories.ensure(paths.ours);
    const release = await lock.acquire({ signal });
    let findings: readonly Finding[];
    try {
      findings = await this.#all("repair", signal);
    } catch (error) {
      await release().catch(() => {});
      throw error;
    }
    await release();
    return findings;
  }

  async foresee({ signal }: Signal = {}): Promise<Foreseen> {
    const { fs, findings } = await this.preview({ signal });
    const { blobs, catalog } = (await this.#ground.reopen({ fs, lock: NO_LOCK })).parts;
    return { findings, blobs, catalog };
  }

  /** The repair itself, on a file system that keeps to itself what is done there. */
  async preview({ signal }: Signal = {}): Promise<{ readonly findings: readonly Finding[]; readonly fs: FileSystem }> {
    const fs = foreseenFileSystem(this.#ground.fs, () => this.#ground.env.now());
    const ground = { ...this.#ground, fs, lock: NO_LOCK, directories: new Directories(fs), readOnly: false };
    return { fs, findings: await new LayoutUpkeep(ground).look({ signal, repair: true }) };
  }

  async #all(mode: Mode, signal: AbortSignal | undefined): Promise<readonly Finding[]> {
    const { fs, paths, env, directories } = this.#ground;
    const bench = new Bench(fs, paths, { env, directories, mode, signal });
    await mustBeLayout(this.#ground);
    await mustBeOfOurFormat(bench);
    // Without the lock nobody knows whether what looks left over is being written just now.
    if (mode !== "look") await mendLeftovers(bench);
    await mendSidecar(bench);
    await mendIndex(bench);
    await mendOciLayout(bench);
    await listAsides(bench);
    return bench.findings;
  }
}

/** Some of the marks of a layout have to be there: a mistyped path must not become a store. */
async function mustBeLayout({ fs, paths, env }: LayoutFiles): Promise<void> {
  const blobs = await reported("look at the directory", paths.blobs, () => fs.lstat(paths.blobs));
  if (blobs?.kind !== "directory")
    throw invalid(`this was no image layout, there is no blobs/: ${paths.root}`, paths.root);
  const version = await versionOf({ fs, paths, env });
  if (typeof version !== "string" || version === "1.0.0") return;
  throw new OciStoreError("UNSUPPORTED", `image layout version ${JSON.stringify(version)}: ${paths.ociLayout}`, {
    path: paths.ociLayout,
  });
}

const LIMIT = 64 * 1024;

type LayoutFiles = Pick<UpkeepGround, "fs" | "paths" | "env">;

/** `undefined` if nobody can tell. */
async function versionOf({ fs, paths: { ociLayout }, env }: LayoutFiles): Promise<unknown> {
  let version: unknown;
  const read = async () => {
    const bytes = await readWhole(fs, ociLayout, LIMIT);
    try {
      const json = bytes && parseJson(bytes);
      if (json !== undefined && isJsonObject(json)) version = field(json, "imageLayoutVersion");
    } catch (cause) {
      throw new OciStoreError("LAYOUT_INVALID", "oci-layout cannot be read", { path: ociLayout }, { cause });
    }
  };
  await damageOf(() => whole(read, env));
  return version;
}

/** Last, as when a layout is made: what dies before has left something that still needs a repair. */
async function mendOciLayout(bench: Bench): Promise<void> {
  const { fs, paths } = bench;
  if ((await versionOf(bench)) !== undefined) return;
  const path = paths.ociLayout;
  const isThere = (await reported("look at the file", path, () => fs.lstat(path))) !== undefined;
  const next = new TextEncoder().encode('{"imageLayoutVersion":"1.0.0"}');
  const message = isThere ? "oci-layout cannot be read" : "there is no oci-layout";
  const how = isThere ? "set aside, and made anew" : "made anew";
  await bench.mend({ level: "error", code: "layout", path, message }, how, async () => {
    if (isThere) await bench.replace(path, next);
    else await createFile(fs, path, next, { temp: paths.fresh("oci-layout") });
  });
}

function invalid(message: string, path: string): OciStoreError {
  return new OciStoreError("LAYOUT_INVALID", message, { path });
}
