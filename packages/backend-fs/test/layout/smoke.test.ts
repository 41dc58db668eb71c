import { mkdtemp, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packIndex, packManifest } from "@ocistore/core";
import { expect, test } from "vitest";
import { openLayout } from "../../src/index.ts";

const text = (value: string) => new TextEncoder().encode(value);

test("push, delete by tag, nothing left", async () => {
  const dir = join(await mkdtemp(join(tmpdir(), "ocistore-")), "layout");
  const store = await openLayout(dir, { create: true });
  const repository = store.repository();
  const { amd, shared } = await repository.session(async (session) => {
    const shared = await session.putBlob(text("shared layer"));
    const own = await session.putBlob(text("amd64 layer"));
    const amd = await session.putManifest(packManifest({ artifactType: "a/amd64", layers: [shared, own] }));
    const arm = await session.putManifest(packManifest({ artifactType: "a/arm64", layers: [shared] }));
    const index = await session.putManifest(packIndex({ manifests: [amd, arm] }), { tags: ["latest"] });
    await session.putManifest(packManifest({ artifactType: "a/sig", subject: index }));
    await session.putManifest(packManifest({ artifactType: "a/other", layers: [shared] }), { tags: ["other"] });
    return { amd, shared };
  });
  console.log(await readFile(join(dir, "index.json"), "utf8"));
  const plan = await repository.planDelete("latest");
  console.log(plan.items, plan.kept);
  const receipt = await store.apply(plan);
  console.log(receipt, await readFile(join(dir, "index.json"), "utf8"), await readdir(dir, { recursive: true }));
  expect(await repository.find("latest")).toBeUndefined();
  expect(await repository.find(amd)).toBeUndefined();
  expect(new TextDecoder().decode(await repository.bytes(shared.digest))).toBe("shared layer");
  console.log(await store.collect({ grace: 0 }));
  await repository.untag("other");
  console.log(await store.collect({ grace: 0 }), await readdir(dir, { recursive: true }));
});
