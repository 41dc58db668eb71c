import { expect, test } from "vitest";
import { openMemory, packIndex, packManifest } from "../../src/index.ts";

const text = (value: string) => new TextEncoder().encode(value);

test("deleting an index by tag takes its children and their blobs, and spares what another tag shares", async () => {
  const store = await openMemory();
  const repository = store.repository("app");
  const { amd, shared } = await repository.session(async (session) => {
    const shared = await session.putBlob(text("shared layer"));
    const own = await session.putBlob(text("amd64 layer"));
    const amd = await session.putManifest(packManifest({ artifactType: "a/amd64", layers: [shared, own] }));
    const arm = await session.putManifest(packManifest({ artifactType: "a/arm64", layers: [shared] }));
    await session.putManifest(packIndex({ manifests: [amd, arm] }), { tags: ["latest"] });
    await session.putManifest(packManifest({ artifactType: "a/other", layers: [shared] }), { tags: ["other"] });
    return { amd, shared };
  });
  const plan = await repository.planDelete("latest");
  expect(plan.items.map(({ kind, reason }) => `${kind}: ${reason.split(" ")[0]}`)).toEqual([
    "manifest: deleted",
    "manifest: named",
    "manifest: named",
    "blob: named",
  ]);
  const receipt = await store.apply(plan);
  expect(receipt).toMatchObject({ removed: 4, skipped: 0 });
  expect(await repository.find("latest")).toBeUndefined();
  expect(await repository.find(amd)).toBeUndefined();
  expect(await repository.find("other")).toBeDefined();
  expect(new TextDecoder().decode(await repository.bytes(shared.digest))).toBe("shared layer");
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 0 });
});

test("a signature goes with its image, and never takes it", async () => {
  const store = await openMemory();
  const repository = store.repository("app");
  const [image, signature] = await repository.session(async (session) => {
    const layer = await session.putBlob(text("layer"));
    const image = await session.putManifest(packManifest({ artifactType: "a/image", layers: [layer] }), {
      tags: ["v1"],
    });
    const signature = await session.putManifest(packManifest({ artifactType: "a/signature", subject: image }));
    return [image, signature];
  });
  expect((await repository.planDelete(signature)).items.map(({ digest }) => digest)).toContain(signature.digest);
  expect((await repository.planDelete(signature)).items.map(({ digest }) => digest)).not.toContain(image.digest);
  await repository.delete("v1");
  const left = [];
  for await (const located of store.parts.blobs.list()) left.push(located);
  expect(left).toEqual([]);
});

test("untag then collect", async () => {
  let now = 1_000_000;
  const store = await openMemory({
    env: { now: () => now, random: (n) => crypto.getRandomValues(new Uint8Array(n)), sleep: async () => {} },
  });
  const repository = store.repository("app");
  await repository.session(async (session) => {
    const layer = await session.putBlob(text("layer"));
    await session.putManifest(packManifest({ artifactType: "a/image", layers: [layer] }), { tags: ["v1"] });
  });
  now += 2 * 3600_000;
  await repository.untag("v1");
  expect(await store.collect()).toMatchObject({
    removed: 0,
    kept: [{ because: "grace" }, { because: "grace" }, { because: "grace" }],
  });
  now += 2 * 3600_000;
  expect(await store.collect()).toMatchObject({ removed: 3, kept: [] });
});
