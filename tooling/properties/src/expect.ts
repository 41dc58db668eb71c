import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Digest, isOciStoreError, type Plan } from "@ocistore/core";
import { at, liveOf, referenceLinks, rootsOf } from "./oracle.ts";
import type { Expected, Refused } from "./removal.ts";
import * as model from "./world.ts";

/** Items, removals and drops are exactly those that the rule asks for. */
export function sameContent({ items, header }: Plan, expected: Expected): void {
  deepStrictEqual(items.map(({ digest }) => digest).sort(), [...expected.items.keys()].sort(), "items of the plan");
  const steps = header.changes.flatMap(({ repository, steps }) => steps.map((step) => ({ repository, ...step })));
  const digests = (kind: string) =>
    steps
      .flatMap((step) => (step.do === kind && "manifest" in step ? [at(step.repository, step.manifest as Digest)] : []))
      .sort();
  deepStrictEqual(
    digests("keep"),
    expected.keeps.map((digest) => at(expected.repository, digest)).sort(),
    "kept children",
  );
  deepStrictEqual(
    digests("remove"),
    expected.removes.map((digest) => at(expected.repository, digest)).sort(),
    "removals",
  );
  deepStrictEqual(digests("drop"), expected.drops.map((drop) => at(drop.repository, drop.digest)).sort(), "drops");
}

/** Each holder that is named holds the target, or is the root that does in the end. */
export function trueHolders(repository: string, { digest, world, thought }: Refused, holders: readonly string[]): void {
  ok(holders.length > 0, "the holders are named");
  const live = liveOf(world!, rootsOf(world!), thought);
  const links = referenceLinks(world!, thought!.before.repositories.get(repository)!);
  const true_ = new Set<string>();
  for (const each of world!.repositories.get(repository)!.members.keys()) {
    if (!live.manifests.has(at(repository, each))) continue;
    const holds =
      model.contentOf(world!, each).includes(digest!) ||
      links.some(({ referrer, subject }) => referrer === each && subject === digest);
    if (holds) true_.add(repository ? `${each} in ${repository}` : each);
  }
  const where = repository ? ` in ${repository}` : "";
  for (const root of rootsOf(world!)) {
    if (root.repository !== repository) continue;
    const alone = liveOf(world!, [root], thought);
    if (!alone.manifests.has(at(repository, digest!))) continue;
    true_.add(root.why === "own" ? `untagged ${root.digest}${where}` : `${root.why} ${root.name}${where}`);
  }
  for (const holder of holders) ok(true_.has(holder), `${holder} is one of ${[...true_]}`);
}

export async function expectCode(code: string | undefined, work: () => Promise<unknown>): Promise<void> {
  const error: unknown = await work().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const found = isOciStoreError(error) ? error.code : error;
  if (error !== undefined && !isOciStoreError(error)) throw error;
  strictEqual(found, code, `${found} instead of ${code}: ${error}`);
}
