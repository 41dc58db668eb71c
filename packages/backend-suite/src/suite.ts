import assert from "node:assert/strict";
import { ManualEnvironment } from "./environment.ts";
import { applies, type Group } from "./groups.ts";
import type { Declaration, Factory } from "./harness.ts";
import type { Rule } from "./rule.ts";
import { agreeingRules } from "./rules/agreeing.ts";
import { cancellingRules } from "./rules/cancelling.ts";
import { claimRules } from "./rules/claims.ts";
import { condemningRules } from "./rules/condemning.ts";
import { leasingRules } from "./rules/leasing.ts";
import { listingRules } from "./rules/listing.ts";
import { livenessRules } from "./rules/liveness.ts";
import { openingRules } from "./rules/opening.ts";
import { pagingRules } from "./rules/paging.ts";
import { purgingRules } from "./rules/purging.ts";
import { racingRules } from "./rules/racing.ts";
import { readingRules } from "./rules/reading.ts";
import { recordingRules } from "./rules/recording.ts";
import { removingRules } from "./rules/removing.ts";
import { replacingRules } from "./rules/replacing.ts";
import { resumingRules } from "./rules/resuming.ts";
import { sessionRules } from "./rules/sessions.ts";
import { taggingRules } from "./rules/tagging.ts";
import { ageingRules, undoingRules } from "./rules/undoing.ts";
import { generationRules, uploadRules } from "./rules/uploads.ts";
import { World } from "./world.ts";

/** Registers one test, as the `test` of vitest, node:test, mocha or tape's promise form does. */
export type Test = (name: string, run: () => Promise<void>) => unknown;

export interface SuiteOptions {
  readonly test: Test;
  /** Makes an empty store of its own for each test. */
  readonly factory: Factory;
  /** What the store says it can do: the only way in which a test is left out. */
  readonly declared: Declaration;
}

/** A test that a store need not pass. */
export interface LeftOut {
  readonly name: string;
  /** The group that the store does not declare. */
  readonly group: Group;
}

const RULES: readonly Rule[] = [
  ...openingRules,
  ...readingRules,
  ...uploadRules,
  ...generationRules,
  ...resumingRules,
  ...listingRules,
  ...claimRules,
  ...recordingRules,
  ...taggingRules,
  ...removingRules,
  ...livenessRules,
  ...condemningRules,
  ...purgingRules,
  ...undoingRules,
  ...ageingRules,
  ...replacingRules,
  ...pagingRules,
  ...leasingRules,
  ...cancellingRules,
  ...sessionRules,
  ...racingRules,
  ...agreeingRules,
];

/**
 * Registers every test that a store has to pass, one for each promise of the contract.
 *
 * @returns The tests that were left out, as {@link leftOut} does.
 *
 * @example
 * import { suite } from "@ocistore/backend-suite";
 * import { test } from "vitest";
 *
 * suite({ test, factory: async (env) => openMyStore(env), declared: { blobs: {…}, catalog: {…} } });
 */
export function suite({ test, factory, declared }: SuiteOptions): readonly LeftOut[] {
  test("factory: two stores are of no concern to each other", () => isolation(factory, declared));
  for (const rule of RULES) {
    if (applies(rule.group, declared)) test(rule.name, () => tried(rule, factory, declared));
  }
  return leftOut(declared);
}

/** The tests that are left out for a store that declares this, each with the group that it does not declare. */
export function leftOut(declared: Declaration): readonly LeftOut[] {
  return RULES.filter(({ group }) => !applies(group, declared)).map(({ name, group }) => ({ name, group }));
}

async function tried(rule: Rule, factory: Factory, declared: Declaration): Promise<void> {
  const env = new ManualEnvironment();
  const harness = await factory(env);
  try {
    await rule.run(new World(env, harness, declared));
  } finally {
    await harness.catalog.close();
    await harness.blobs.close();
    await harness.close();
  }
}

/** Not a rule among the others, since it needs two stores. */
async function isolation(factory: Factory, declared: Declaration): Promise<void> {
  const env = new ManualEnvironment();
  const harnesses = [await factory(env), await factory(env)] as const;
  try {
    const [one, other] = harnesses.map((harness) => new World(env, harness, declared)) as [World, World];
    assert.notEqual(await one.catalog.identity(), await other.catalog.identity());
    const image = await one.image("app", { tags: ["v1"] });
    assert.equal(await other.catalog.resolve(other.repository, "v1"), undefined);
    assert.equal(await other.catalog.locate(undefined, image.digest), undefined);
    assert.deepEqual(await other.stored(), []);
    assert.notDeepEqual(await one.stored(), []);
  } finally {
    for (const { catalog, blobs, close } of harnesses) {
      await catalog.close();
      await blobs.close();
      await close();
    }
  }
}
