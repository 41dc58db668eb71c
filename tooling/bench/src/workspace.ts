import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Place } from "./case.ts";
import { addCatalog, fill } from "./catalog/fill.ts";
import type { Stock } from "./catalog/stock.ts";
import { generate, generateLarge, generateMany, type Made, type Shape } from "./layout/generate.ts";

const execute = promisify(execFile);

const NOTHING: Made = { tag: "", blobs: 0, manifests: 0, live: 0 };

/** Where everything lies that is measured, and goes when that is done. */
export class Workspace {
  readonly directory: string;
  readonly #layouts = new Map<string, Place>();
  readonly #catalogs = new Map<string, Promise<Place>>();
  #copies = 0;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(): Promise<Workspace> {
    return new Workspace(await mkdtemp(join(tmpdir(), "ocistore-bench-")));
  }

  /** A layout as it was generated; only for who changes nothing. */
  layout(shape: Shape): Place {
    return this.#made(`layout-${shape.blobs}-${shape.garbage ?? 0}`, (directory) => generate(directory, shape));
  }

  /** The same layout with a catalog beside it. */
  withCatalog(plain: Place): Promise<Place> {
    return this.#madeOnce(plain.directory, async () => {
      const place = await this.copyOf(plain);
      await addCatalog(place.directory);
      return place;
    });
  }

  /** A store that has a catalog from the beginning, as {@link fill} makes it. */
  stocked(stock: Stock): Promise<Place> {
    return this.#madeOnce(JSON.stringify(stock), async () => {
      const place = this.empty(NOTHING);
      await fill(place.directory, stock, { files: "touched" });
      return place;
    });
  }

  many(images: number): Place {
    return this.#made(`many-${images}`, (directory) => generateMany(directory, images, 1));
  }

  large(bytes: number): Place {
    return this.#made(`large-${bytes}`, (directory) => generateLarge(directory, bytes));
  }

  /** A copy for who changes it. Blobs are the same files under another name: nobody writes into one, all only unlink. */
  async copyOf({ directory, made }: Place): Promise<Place> {
    const copy = this.#next();
    mkdirSync(copy);
    for (const name of ["index.json", "oci-layout"]) cpSync(join(directory, name), join(copy, name));
    await execute("cp", ["-al", join(directory, "blobs"), copy]);
    const ours = join(directory, ".ocistore");
    if (existsSync(ours)) await execute("cp", ["-a", ours, copy]);
    return { directory: copy, made };
  }

  /** A place where nothing is yet. */
  empty(made: Made): Place {
    return { directory: this.#next(), made };
  }

  async drop({ directory }: Place): Promise<void> {
    const made = [...this.#layouts.values(), ...(await Promise.all(this.#catalogs.values()))];
    const isKept = made.some((place) => place.directory === directory);
    if (!isKept) await rm(directory, { recursive: true, force: true });
  }

  /** What has been made so far must not be written to disk at the cost of who is measured next. */
  async settle(): Promise<void> {
    await execute("sync");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }

  #next(): string {
    return join(this.directory, `run-${this.#copies++}`);
  }

  #madeOnce(key: string, make: () => Promise<Place>): Promise<Place> {
    const known = this.#catalogs.get(key) ?? make();
    this.#catalogs.set(key, known);
    return known;
  }

  #made(name: string, make: (directory: string) => Made): Place {
    const known = this.#layouts.get(name);
    if (known) return known;
    const directory = join(this.directory, name);
    const place = { directory, made: make(directory) };
    this.#layouts.set(name, place);
    return place;
  }
}

/** How many files lie under the names of blobs. */
export function blobsIn(directory: string): number {
  const blobs = join(directory, "blobs", "sha256");
  return existsSync(blobs) ? readdirSync(blobs).length : 0;
}
