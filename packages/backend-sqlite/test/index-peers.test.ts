import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openLayout } from "@ocistore/backend-fs";
import type { Store } from "@ocistore/core";
import { expect, test } from "vitest";
import { indexed, openIndexed, rootsOf, tagsOf } from "./support/layouts.ts";
import { temporary } from "./support/place.ts";

/** Layouts as other tools left them; the README beside them says how. */
const FIXTURES = fileURLToPath(new URL("../../../tooling/peers/fixtures", import.meta.url));
const TOOLS = readdirSync(FIXTURES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

async function answers(store: Store) {
  const { items, kept } = await store.planCollect({ grace: 0, adopt: true });
  const findings: string[] = [];
  // What is odd about index.json itself is for who decides by that.
  for await (const { code, digest } of store.check()) if (code !== "layout") findings.push(`${code} ${digest}`);
  const { live, garbage } = await store.usage();
  return {
    tags: await tagsOf(store),
    roots: await rootsOf(store),
    garbage: items.map(({ digest, size }) => `${digest} ${size}`).sort(),
    kept,
    findings: findings.sort(),
    usage: { live, garbage },
  };
}

test.each(TOOLS)("what %s has left is the same with a catalog as without", async (tool) => {
  const directory = join(temporary(), "layout");
  cpSync(join(FIXTURES, tool), directory, { recursive: true });
  const plain = await openLayout(directory, { readOnly: true });
  const before = await answers(plain);
  await plain.close();
  expect(Object.keys(before.tags)).not.toEqual([]);
  await indexed(directory);
  const { store, reports } = await openIndexed(directory);
  expect(await answers(store)).toEqual(before);
  expect(reports).toEqual([]);
});
