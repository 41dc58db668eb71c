import { stat } from "node:fs/promises";
import { hasCatalogBeside, openArchive, openLayout } from "@ocistore/backend-fs";
import type { ListingReport } from "@ocistore/backend-sqlite";
import { type Digest, type Environment, isOciStoreError, type Store, systemEnvironment } from "@ocistore/core";
import { archiveProblem, onlyRead } from "./archive-errors.ts";
import { openWithCatalog, sayListing } from "./catalog.ts";
import { CliError, EXIT, notFound, usage } from "./errors.ts";
import { isThere } from "./files.ts";
import type { Output, OutStream } from "./output/output.ts";
import {
  formatPlace,
  type Place,
  parseArchive,
  parsePlace,
  parsePlaceOrReference,
  parseReference,
  type Target,
} from "./place.ts";

/** What the command has of the world; a test gives its own. */
export interface Io {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: OutStream;
  readonly stderr: OutStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What relative paths are relative to. */
  readonly cwd: string;
  readonly signal?: AbortSignal | undefined;
  /** Time and chance; the real ones unless given. */
  readonly clock?: Environment | undefined;
}

/** What every verb gets. */
export class Context {
  readonly io: Io;
  readonly out: Output;
  readonly signal: AbortSignal;
  readonly clock: Environment;
  /** Set once something is being changed: then a reader that goes away is no reason to stop half-way. */
  isChanging = false;
  readonly #store: string | undefined;

  constructor(io: Io, out: Output, o: { readonly signal: AbortSignal; readonly store: string | undefined }) {
    this.io = io;
    this.out = out;
    this.signal = o.signal;
    this.clock = io.clock ?? systemEnvironment;
    this.#store = o.store || io.env.OCISTORE_STORE || undefined;
  }

  place(text: string | undefined): Place {
    const written = text ?? this.#store;
    if (written === undefined) throw usage("no store is named", "give oci:DIR, or --store, or OCISTORE_STORE");
    return parsePlace(written, this.io.cwd);
  }

  /** A file that is an archive as a whole: `oci-archive:FILE`, or a bare `FILE`. */
  archive(text: string): Place {
    return parseArchive(text, this.io.cwd);
  }

  reference(text: string): Place & { readonly target: Target } {
    return parseReference(text, this.io.cwd, this.#store);
  }

  placeOrReference(text: string | undefined): Place {
    if (text === undefined) return this.place(undefined);
    return parsePlaceOrReference(text, this.io.cwd, this.#store);
  }

  /** Opens a store, does the work and closes it. Only with `write` can the work change anything. */
  async with<T>(
    place: Place,
    o: { readonly write: boolean; readonly create?: boolean },
    work: (store: Store) => Promise<T>,
  ): Promise<T> {
    const store = await this.#open(place, o);
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }

  async #open(place: Place, o: { readonly write: boolean; readonly create?: boolean }): Promise<Store> {
    const { scheme, directory } = place;
    if (scheme === "oci-archive") {
      if (o.write) throw onlyRead(place);
      await mustExist(place);
      return openArchive(directory, { env: this.clock, signal: this.signal }).catch((error: unknown) => {
        throw archiveProblem(error, place);
      });
    }
    if (!o.create) await mustExist(place);
    else await mayBeMade(place);
    if (await hasCatalogBeside(directory)) {
      const onListing = (report: ListingReport) => sayListing(this.out, report);
      return openWithCatalog(directory, { readOnly: !o.write, env: this.clock, onListing });
    }
    return openLayout(directory, { readOnly: !o.write, create: o.create, env: this.clock });
  }
}

/** `store:v1` where `oci:store:v1` is meant would make a directory of that name. */
async function mayBeMade({ written, directory }: Place): Promise<void> {
  if (!written.includes(":") || (await isThere(directory))) return;
  throw usage(
    `there is no directory ${written}`,
    `write oci:${written} for a tag, or make a directory with a colon first`,
  );
}

async function mustExist({ scheme, directory, written }: Place): Promise<void> {
  try {
    await stat(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    if (scheme === "oci-archive") throw notFound(`no such file: ${written}`, "look at the spelling");
    throw notFound(`no such directory: ${written}`, "look at the spelling, or make a store with `ocistore init DIR`");
  }
}

/** What a look-only verb was pointed at. The start of a digest has to be the start of just one. */
export async function digestAt(
  store: Store,
  place: Place & { readonly target: Target },
  signal: AbortSignal,
): Promise<Digest> {
  const { target } = place;
  if ("digest" in target) return target.digest;
  if ("tag" in target) {
    const digest = await store.parts.catalog.resolve("", target.tag, { signal });
    if (digest === undefined) throw notFound(`no tag ${target.tag} in ${place.written}`, lsHint(place));
    return digest;
  }
  const found: Digest[] = [];
  for await (const { digest } of store.parts.blobs.list({ signal })) {
    if (digest.startsWith(target.prefix)) found.push(digest);
  }
  if (found.length === 1) return found[0]!;
  if (found.length === 0) throw notFound(`nothing in ${place.written} starts with ${target.prefix}`, lsHint(place));
  throw new CliError("AMBIGUOUS", EXIT.refused, `${target.prefix} is the start of ${found.length} digests`, {
    hint: found.slice(0, 3).join(", "),
    data: { digests: found },
  });
}

function lsHint(place: Place): string {
  return `\`ocistore ls ${formatPlace({ ...place, target: undefined })}\` says what there is`;
}

/** `IN_USE` says who; a user also wants to know how to find out why. What is not found may be under another name. */
export function explained(error: unknown, place: Place): unknown {
  if (isOciStoreError(error, "NOT_FOUND")) {
    const o = { hint: lsHint(place), data: { ...error.data }, cause: error };
    return new CliError("NOT_FOUND", EXIT.notFound, error.message, o);
  }
  if (!isOciStoreError(error, "IN_USE")) return error;
  const { digest, holders = [] } = error.data;
  const target = digest === undefined ? undefined : { digest: digest as Digest };
  const why = `ocistore why ${formatPlace({ ...place, target })}`;
  return new CliError("IN_USE", EXIT.refused, `${digest} is in use, held by ${holders.join(", ")}`, {
    hint: `\`${why}\` says how; delete what holds it in the same command, or first`,
    data: { digest, holders, why },
    cause: error,
  });
}
