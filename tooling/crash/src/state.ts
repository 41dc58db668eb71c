import { OWN_POLICY } from "@ocistore/backend-fs";
import type { Digest, Policy, Store } from "@ocistore/core";
import { content, digestNamed, subjects } from "./content.ts";

/** What everybody must find after a step, in the names of content.ts. */
export interface State {
  readonly tags: Readonly<Record<string, string>>;
  /** Manifests without a tag that are roots all the same. */
  readonly own: readonly string[];
  readonly pins: Readonly<Record<string, string>>;
  readonly policy: Policy;
  /** Referrers that live by what they refer to. */
  readonly referrers: readonly string[];
  /** Acknowledged and held by no root, but by its grace. */
  readonly stored: readonly string[];
  /** Held by a session alone, which need not outlive the machine. */
  readonly claimed?: readonly string[];
  /** Manifests that are gone for every reader. */
  readonly gone: readonly string[];
  /** Bytes of the upload {@link UPLOAD} that were acknowledged. */
  readonly upload?: number;
}

export const UPLOAD = "up";

export const EMPTY: State = { tags: {}, own: [], pins: {}, policy: OWN_POLICY, referrers: [], stored: [], gone: [] };

/** The digests that must be there, and that a collection without a grace leaves. */
export function closureOf({ tags, own, pins, referrers }: State): ReadonlySet<Digest> {
  const names = [...Object.values(tags), ...own, ...Object.values(pins), ...referrers];
  return new Set(names.flatMap((name) => [...content(name).closure]));
}

/** What a state says of tags, roots and policy, as a text that can be compared. */
export function described({ tags, own, pins, policy, referrers }: State): string {
  const named = (names: Readonly<Record<string, string>>) =>
    Object.entries(names).map(([name, of]) => `${name} ${digestNamed(of)}`);
  const lines = (title: string, all: readonly string[]) => [...all].sort().map((each) => `${title} ${each}`);
  return [
    ...lines("tag", named(tags)),
    ...lines("own", own.map(digestNamed)),
    ...lines("pin", named(pins)),
    ...lines("referrer", referrers.map(digestNamed)),
    ...lines(
      "policy",
      Object.entries(policy).map((entry) => JSON.stringify(entry)),
    ),
  ].join("\n");
}

/** The same, of a store. */
export async function observed(store: Store): Promise<string> {
  const tags: string[] = [];
  for await (const { name, digest } of store.repository().tags()) tags.push(`${name} ${digest}`);
  const [own, pins]: string[][] = [[], []];
  for await (const { why, name, digest } of store.roots()) {
    if (why === "own") own!.push(digest);
    if (why === "pin") pins!.push(`${name} ${digest}`);
  }
  const referrers: string[] = [];
  for (const subject of subjects) {
    for await (const { digest } of store.repository().referrers(subject)) referrers.push(digest);
  }
  const policy = Object.entries(await store.policy()).map((entry) => JSON.stringify(entry));
  const lines = (title: string, all: readonly string[]) => [...all].sort().map((each) => `${title} ${each}`);
  return [
    ...lines("tag", tags),
    ...lines("own", own!),
    ...lines("pin", pins!),
    ...lines("referrer", referrers),
    ...lines("policy", policy),
  ].join("\n");
}
