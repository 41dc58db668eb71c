import { resolve } from "node:path";
import { type Digest, isDigest, parseRefName } from "@ocistore/core";
import { usage } from "./errors.ts";

// oci:DIR[:TAG|@DIGEST] and oci-archive:FILE[:TAG|@DIGEST]
//
// As with skopeo, the first colon after `oci:` ends the directory, whatever comes after it: a tag may hold slashes and
// colons, a directory no colon. An `@` starts a digest only if an algorithm follows; else it is part of a name.

/** What a reference is on. A `prefix` is the start of a digest, which look-only verbs take. */
export type Target = { readonly tag: string } | { readonly digest: Digest } | { readonly prefix: string };

/** `oci`: a layout in a directory. `oci-archive`: one in a tar file, which is only read. */
type Scheme = "oci" | "oci-archive";

/** A store, and perhaps something in it. */
export interface Place {
  readonly scheme: Scheme;
  /** Absolute; of an archive, the file. */
  readonly directory: string;
  /** As it was written, for printing commands that work from where the user is. */
  readonly written: string;
  readonly target: Target | undefined;
}

const HINT = "a place is written oci:DIR, a reference oci:DIR:TAG or oci:DIR@DIGEST";
const ALGORITHM = /^sha(?:256|384|512):/;
const SCHEMES = [
  ["ocidir://", "oci"],
  ["oci:", "oci"],
  ["oci-archive:", "oci-archive"],
] as const;
const OTHER_SCHEMES = /^(docker|docker-archive|docker-daemon|containers-storage|dir|s3):/;

/** A place with its scheme, or `undefined` if there is none. */
function parseScheme(text: string, cwd: string): Place | undefined {
  const [, other] = OTHER_SCHEMES.exec(text) ?? [];
  if (other !== undefined) throw usage(`${other}: is a place that ocistore does not know yet`, HINT);
  const [start, scheme] = SCHEMES.find(([each]) => text.startsWith(each)) ?? [];
  if (start === undefined || scheme === undefined) return undefined;
  const rest = text.slice(start.length);
  if (start !== "ocidir://" && rest.startsWith("//")) {
    const bare = rest.replace(/^\/+/, "");
    throw usage(`${text}: ${start} has no slashes of its own`, `write ${start}${bare} or ${start}/${bare}`);
  }
  const [, beforeDigest, digest] = /^([^:]*)@(sha(?:256|384|512):.*)$/s.exec(rest) ?? [];
  if (beforeDigest !== undefined && digest !== undefined)
    return placeOf(beforeDigest, parseTarget(digest), cwd, scheme);
  const colon = rest.indexOf(":");
  if (colon === -1) return placeOf(rest, undefined, cwd, scheme);
  const tag = rest.slice(colon + 1);
  if (tag === "") throw usage(`${text}: no tag after the colon`, HINT);
  return placeOf(rest.slice(0, colon), parseTarget(tag), cwd, scheme);
}

function placeOf(written: string, target: Target | undefined, cwd: string, scheme: Scheme = "oci"): Place {
  if (written === "") throw usage(scheme === "oci" ? "no directory is named" : "no file is named", HINT);
  return { scheme, directory: resolve(cwd, written), written, target };
}

/** `TAG`, `DIGEST` or `@DIGEST`; also the start of a digest, which only {@link exact} refuses. */
function parseTarget(text: string): Target {
  const bare = text.startsWith("@") ? text.slice(1) : text;
  if (ALGORITHM.test(bare)) {
    if (isDigest(bare)) return { digest: bare };
    const encoded = bare.slice(bare.indexOf(":") + 1);
    if (/^[0-9a-f]{8,127}$/.test(encoded)) return { prefix: bare };
    throw usage(
      `not a digest: ${bare}`,
      "a digest, or for verbs that only look at least the first 8 hex digits of one",
    );
  }
  if (/@sha(?:256|384|512):/.test(text)) throw usage(`${text}: a tag and a digest together`, "give one of them");
  return { tag: parseRefName(text) };
}

/** A whole store: `oci:DIR`, or a bare `DIR`. */
export function parsePlace(text: string, cwd: string): Place {
  const place = parseScheme(text, cwd) ?? placeOf(text, undefined, cwd);
  if (place.target)
    throw usage(`${text}: this verb takes a whole store, not what is in it`, `write ${place.scheme}:${place.written}`);
  return place;
}

/** A whole archive: `oci-archive:FILE`, or a bare `FILE`, which may have colons. */
export function parseArchive(text: string, cwd: string): Place {
  const place = parseScheme(text, cwd) ?? placeOf(text, undefined, cwd, "oci-archive");
  if (place.scheme !== "oci-archive")
    throw usage(`${text} is no archive`, "an archive is written FILE or oci-archive:FILE");
  if (place.target)
    throw usage(`${text}: this verb takes a whole archive`, `write oci-archive:${place.written}, and --tag`);
  return place;
}

/** What is in a store: `oci:DIR:TAG`, or with the store named elsewhere a bare `TAG` or `DIGEST`. */
export function parseReference(
  text: string,
  cwd: string,
  store: string | undefined,
): Place & { readonly target: Target } {
  const place = parseScheme(text, cwd);
  if (place?.target) return { ...place, target: place.target };
  if (place)
    throw usage(
      `${text} names a store and nothing in it`,
      `write ${place.scheme}:${place.written}:TAG or ${place.scheme}:${place.written}@DIGEST`,
    );
  if (store === undefined)
    throw usage(`${text} does not say in which store`, `${HINT}; or name the store by --store or OCISTORE_STORE`);
  return { ...parsePlace(store, cwd), target: parseTarget(text) };
}

/** Either of the two. A bare word is a reference if a store is named elsewhere, and a directory if not. */
export function parsePlaceOrReference(text: string, cwd: string, store: string | undefined): Place {
  const place = parseScheme(text, cwd);
  if (place) return place;
  return store === undefined ? placeOf(text, undefined, cwd) : parseReference(text, cwd, store);
}

/** For verbs that change things: the start of a digest is too little. */
export function exact(target: Target): string {
  if ("prefix" in target)
    throw usage(`${target.prefix} is only the start of a digest`, "what changes things needs all of it");
  return "tag" in target ? target.tag : target.digest;
}

/** A reference as it is written in a command. */
export function formatPlace({ scheme, written, target }: Place): string {
  if (!target) return shellWord(`${scheme}:${written}`);
  if ("tag" in target) return shellWord(`${scheme}:${written}:${target.tag}`);
  return shellWord(`${scheme}:${written}@${"digest" in target ? target.digest : target.prefix}`);
}

/** Whether it is the same word to a shell as it stands. */
export function isPlainWord(text: string): boolean {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text);
}

/** As a shell has to be given it. */
export function shellWord(text: string): string {
  return isPlainWord(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
