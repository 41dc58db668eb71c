import { readdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Store } from "@ocistore/core";
import type { Context } from "../context.ts";
import { isThere } from "../files.ts";
import { shortDigest } from "../output/words.ts";
import { isPlainWord, type Place } from "../place.ts";
import type { Candidate } from "./candidates.ts";

/** Stores that a word may be on its way to, and with `tags` what is in them. */
export async function storesAndTags(
  context: Context,
  typed: string,
  o: { readonly tags: boolean },
): Promise<Candidate[]> {
  const [, scheme = "", rest = ""] = /^(ocidir:\/\/|oci:)?(.*)$/s.exec(typed) ?? [];
  const [, directory, mark] = scheme === "" ? [] : (/^([^:@]+)([:@])/.exec(rest) ?? []);
  if (directory !== undefined) {
    if (!o.tags) return [];
    const place = context.place(`${scheme}${directory}`);
    const found = mark === ":" ? await tagsIn(context, place) : await manifestsIn(context, place);
    return found.map(({ word, about }) => ({ word: `${scheme}${directory}${mark}${word}`, about }));
  }
  // A bare word is a directory only for what takes nothing else.
  const before = scheme === "" && o.tags ? "oci:" : scheme;
  const path = scheme === "" && o.tags ? "" : rest;
  const stores = (await directories(context, path)).map(({ name, isStore }) => ({
    word: `${before}${name}${isStore ? (o.tags ? ":" : "") : "/"}`,
  }));
  const bare = scheme === "" && o.tags ? await looking(() => tagsIn(context, context.place(undefined))) : [];
  return plain([...bare, ...stores]);
}

/** Names in the store of a reference, for one more beside it. */
export function tagsBeside(context: Context, reference: string | undefined): Promise<Candidate[]> {
  return looking(() => tagsIn(context, context.reference(reference ?? "")));
}

export function runsIn(context: Context, text: string | undefined): Promise<Candidate[]> {
  return from(
    context,
    () => context.place(text),
    async (store) => {
      const runs: Candidate[] = [];
      for await (const { run, tags } of store.trash({ signal: context.signal }))
        runs.push({ word: run, about: tags.map(({ name }) => name).join(", ") });
      return runs;
    },
  );
}

/** In the store of a place or of a reference. */
export function pinsIn(context: Context, text: string | undefined): Promise<Candidate[]> {
  return from(
    context,
    () => context.placeOrReference(text),
    async (store) => {
      const graph = await store.parts.catalog.graph({ signal: context.signal });
      const pins: Candidate[] = [];
      for await (const { why, name, digest } of graph.allRoots({ signal: context.signal }))
        if (why === "pin" && name !== undefined) pins.push({ word: name, about: shortDigest(digest) });
      return pins;
    },
  );
}

export function uploadsIn(context: Context, text: string | undefined): Promise<Candidate[]> {
  return from(
    context,
    () => context.place(text),
    async (store) => {
      const uploads: Candidate[] = [];
      for await (const { id } of store.uploads({ signal: context.signal })) uploads.push({ word: id });
      return uploads;
    },
  );
}

function tagsIn(context: Context, place: Place): Promise<Candidate[]> {
  return from(
    context,
    () => place,
    async (store) => {
      const tags: Candidate[] = [];
      for await (const { name, digest } of store.repository().tags({ signal: context.signal }))
        tags.push({ word: name, about: shortDigest(digest) });
      return tags;
    },
  );
}

function manifestsIn(context: Context, place: Place): Promise<Candidate[]> {
  return from(
    context,
    () => place,
    async (store) => {
      const graph = await store.parts.catalog.graph({ signal: context.signal });
      const digests: Candidate[] = [];
      for await (const { digest } of graph.manifests()) digests.push({ word: digest });
      return digests;
    },
  );
}

function from(
  context: Context,
  place: () => Place,
  work: (store: Store) => Promise<Candidate[]>,
): Promise<Candidate[]> {
  return looking(async () => plain(await context.with({ ...place(), target: undefined }, { write: false }, work)));
}

/** While somebody types nothing is complained about: what cannot be looked at has nothing to offer. */
async function looking(work: () => Promise<Candidate[]>): Promise<Candidate[]> {
  try {
    return await work();
  } catch {
    return [];
  }
}

async function directories({ io }: Context, typed: string): Promise<{ name: string; isStore: boolean }[]> {
  const parent = typed.endsWith("/") ? typed : dirname(`${typed}x`) === "." ? "" : `${dirname(typed)}/`;
  const entries = await readdir(resolve(io.cwd, parent), { withFileTypes: true }).catch(() => []);
  const names = entries
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .map((entry) => `${parent.replace(/\/+$/, "/")}${entry.name}`)
    .filter(
      (name) => name.startsWith(typed) && (typed.slice(parent.length).startsWith(".") || !/(^|\/)\.[^/]*$/.test(name)),
    )
    .sort();
  return Promise.all(
    names.map(async (name) => ({ name, isStore: await isThere(join(resolve(io.cwd, name), "oci-layout")) })),
  );
}

/** Shells put a word on the command line as it is, and would run what a hostile tag says. */
function plain(found: readonly Candidate[]): Candidate[] {
  return found.filter(({ word }) => isPlainWord(word));
}
