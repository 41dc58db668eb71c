import { expect, test } from "vitest";
import {
  type Descriptor,
  extendedCopy,
  hasAnnotation,
  hasArtifactType,
  packIndex,
  packManifest,
  type ReadableRepository,
} from "../../src/index.ts";
import { but, findings, furnish, pair, stored, tagsOf } from "./support.ts";

async function nested() {
  const stores = await pair();
  const fixture = await furnish(stores.from);
  // Two more roots above amd64: an index of indexes, and another index beside.
  const [outer, beside, stranger] = await stores.from.session(async (session) => [
    await session.putManifest(packIndex({ manifests: [fixture.v1], annotations: { by: "outer" } }), {
      tags: ["outer"],
    }),
    await session.putManifest(packIndex({ manifests: [fixture.amd64], artifactType: "test/beside" })),
    await session.putManifest(packManifest({ artifactType: "test/stranger" }), { tags: ["stranger"] }),
  ]);
  return { ...stores, ...fixture, outer: outer!, beside: beside!, stranger: stranger! };
}

const missing = async ({ to }: Awaited<ReturnType<typeof nested>>, list: readonly Descriptor[]) => {
  const found = await Promise.all(list.map((each) => to.find(each)));
  return found.map((each) => each === undefined);
};

test("all roots above a manifest come, each whole, and the tag is on the manifest itself", async () => {
  const all = await nested();
  const { from, to, target, amd64, outer, beside, v1, signature, sbom, signatureOfSignature, windows, stranger } = all;
  const receipt = await extendedCopy(from, to, amd64, { tags: ["mine"] });
  expect(receipt.root.digest).toBe(amd64.digest);
  expect(await tagsOf(to)).toEqual({ mine: amd64.digest });
  expect(await missing(all, [outer, beside, v1, windows, signature, signatureOfSignature, sbom, stranger])).toEqual([
    ...Array(7).fill(false),
    true,
  ]);
  expect(await findings(target)).toEqual([]);
});

test.each([
  [0, ["none"]],
  [1, ["v1", "beside", "sbom"]],
  [2, ["v1", "beside", "sbom", "outer", "signature"]],
  [undefined, ["v1", "beside", "sbom", "outer", "signature", "signatureOfSignature"]],
] as const)("at most %s steps up", async (depth, expected) => {
  const all = await nested();
  await extendedCopy(all.from, all.to, all.amd64, { depth, tags: ["mine"] });
  const names = ["v1", "beside", "sbom", "outer", "signature", "signatureOfSignature"] as const;
  const absent = await missing(
    all,
    names.map((name) => all[name]),
  );
  expect(names.filter((_, at) => !absent[at])).toEqual(
    names.filter((name) => (expected as readonly string[]).includes(name)),
  );
});

test.each([
  ["by an annotation", hasAnnotation("by", /^bob$/), [false, true, true]],
  ["by an annotation, whatever it says", hasAnnotation("by"), [false, false, true]],
  ["by artifact type", hasArtifactType(/^test\/(sbom|beside)$/), [false, true, false]],
  ["by both", (each: Descriptor) => hasAnnotation("by")(each) && hasArtifactType(/sbom/)(each), [false, true, true]],
  ["by nothing that is there", hasArtifactType(/nothing/), [true, true, true]],
])("filtered %s", async (_, climb, expected) => {
  const all = await nested();
  await extendedCopy(all.from, all.to, all.amd64, { climb });
  expect(await missing(all, [all.sbom, all.v1, all.beside])).toEqual(expected);
  expect(await missing(all, [all.amd64])).toEqual([false]);
});

test("a source that has only referrers is climbed by these", async () => {
  const all = await nested();
  const { from, to, amd64, v1, sbom, signature, signatureOfSignature } = all;
  const registry = but<ReadableRepository>(from, {
    predecessors: undefined as never,
  });
  await extendedCopy(registry, to, amd64);
  expect(await missing(all, [sbom, v1])).toEqual([false, true]);
  await extendedCopy(registry, to, "v1");
  expect(await missing(all, [signature, signatureOfSignature, v1])).toEqual([false, false, false]);
});

test("what is said to name it and does not is refused, and nothing is copied", async () => {
  const { from, to, target, stranger, amd64 } = await nested();
  const lying = but(from, { predecessors: async () => [stranger] });
  await expect(extendedCopy(lying, to, amd64)).rejects.toMatchObject({
    code: "MANIFEST_INVALID",
    data: { side: "source", digest: stranger.digest },
  });
  expect(await stored(target)).toEqual(new Set());
});

test("a dry run finds the same, and changes nothing", async () => {
  const { from, to, target, amd64 } = await nested();
  const dry = await extendedCopy(from, to, amd64, { tags: ["mine"], dryRun: true });
  expect(await stored(target)).toEqual(new Set());
  expect(await extendedCopy(from, to, amd64, { tags: ["mine"] })).toEqual(dry);
});
