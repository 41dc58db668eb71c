import type { Digest, Listed, Ms } from "@ocistore/core";

/** What a listing has, each entry as text: a digest and a tag, or the digest of a manifest that has none. */
export type Entries = ReadonlySet<string>;

export interface Entry {
  readonly digest: Digest;
  readonly name?: string | undefined;
}

export function entriesOf({ tags, manifests }: Listed): Set<string> {
  const entries = new Set<string>();
  for (const [name, digest] of tags) entries.add(keyOf({ digest, name }));
  const tagged = new Set(tags.values());
  for (const digest of manifests.keys()) if (!tagged.has(digest)) entries.add(digest);
  return entries;
}

export function keyOf({ digest, name }: Entry): string {
  return name === undefined ? digest : `${digest} ${name}`;
}

export function entryOf(key: string): Entry {
  const end = key.indexOf(" ");
  return end < 0 ? { digest: key as Digest } : { digest: key.slice(0, end) as Digest, name: key.slice(end + 1) };
}

/** A listing that we wrote, or were about to write, or took over. */
export interface Head {
  readonly number: number;
  readonly hash: string;
  readonly at: Ms;
  readonly changes: number;
  readonly written: boolean;
}

/** The same with what it has listed. */
export interface Projection extends Head {
  readonly entries: Entries;
}

export interface Difference {
  /** What somebody has put in. */
  readonly added: readonly string[];
  /** What was there and is not. */
  readonly vanished: readonly string[];
  /**
   * What to make of what vanished. `meant`: it was taken out. `stale`: somebody has written back what he had read before we wrote,
   * and what is there `again` was there then. `doubtful`: neither.
   */
  readonly verdict: "meant" | "stale" | "doubtful";
  readonly again: readonly string[];
}

/**
 * What others have made of a listing.
 *
 * @param ours What it was when they read it: the one that was written last, and those that may have been written since.
 * @param older Those before, as far as anybody may still write them back.
 */
export function compare(
  { hash, entries: theirs }: { readonly hash: string; readonly entries: Entries },
  ours: readonly Projection[],
  older: readonly Projection[],
): Difference {
  const vanishedFrom = ({ entries }: Projection) => [...entries].filter((entry) => !theirs.has(entry));
  const candidates = ours.map((base) => ({ base: base.entries, vanished: vanishedFrom(base) }));
  // Of several the one that explains most of it.
  candidates.sort((a, b) => a.vanished.length - b.vanished.length);
  const { base, vanished } = candidates[0] ?? { base: new Set<string>(), vanished: [] };
  const added = [...theirs].filter((entry) => !base.has(entry));

  // The latest that it may have been: it explains most of what is there again.
  const stale = older.findLast(({ entries, hash: before }) => {
    if (before === hash) return true;
    if (vanished.length === 0 || [...entries].some((entry) => !theirs.has(entry))) return false;
    return [...base].every((entry) => entries.has(entry) || !theirs.has(entry));
  });
  if (stale) {
    const [again, fresh] = split(added, (entry) => stale.entries.has(entry));
    return { added: fresh, vanished, verdict: "stale", again };
  }
  const isBack = added.some((entry) => older.some(({ entries }) => entries.has(entry)));
  return { added, vanished, verdict: isBack ? "doubtful" : "meant", again: [] };
}

function split<T>(list: readonly T[], test: (each: T) => boolean): [T[], T[]] {
  return [list.filter(test), list.filter((each) => !test(each))];
}
