import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLayout } from "@ocistore/backend-fs";
import { expect, onTestFinished, test } from "vitest";
import { generate } from "../src/layout/generate.ts";

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), "ocistore-bench-test-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

function fingerprint(directory: string): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" }).sort()) {
    hash.update(`${name}\n`);
    if (!name.startsWith("blobs/sha256/")) continue;
    const hex = createHash("sha256")
      .update(readFileSync(join(directory, name)))
      .digest("hex");
    expect(name).toBe(`blobs/sha256/${hex}`);
  }
  return hash.update(readFileSync(join(directory, "index.json"))).digest("hex");
}

test("a layout is the same to the byte for its seed, and another one for another", () => {
  const [first, second, third] = [temporary(), temporary(), temporary()];
  generate(first, { blobs: 300, seed: 7, garbage: 0.1 });
  generate(second, { blobs: 300, seed: 7, garbage: 0.1 });
  generate(third, { blobs: 300, seed: 8, garbage: 0.1 });
  expect(fingerprint(first)).toBe(fingerprint(second));
  expect(fingerprint(first)).not.toBe(fingerprint(third));
});

test("it is sound, and as much of it is garbage as it says", async () => {
  const directory = temporary();
  const made = generate(directory, { blobs: 500, seed: 7, garbage: 0.2 });
  await using store = await openLayout(directory);
  for await (const finding of store.check()) expect.fail(finding.message);
  const { items } = await store.planCollect({ grace: 0 });
  expect(items).toHaveLength(made.blobs - made.live);
  expect(made.manifests).toBeGreaterThan(made.blobs * 0.4);
  expect(readdirSync(join(directory, "blobs", "sha256"))).toHaveLength(made.blobs);
});
