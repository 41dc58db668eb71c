import { describe, expect, test } from "vitest";
import {
  copy,
  type Descriptor,
  type Platform,
  packIndex,
  packManifest,
  parsePlatformName,
  type Repository,
} from "../../src/index.ts";
import { pair, tagsOf, utf8 } from "./support.ts";

/** An index, tagged `v1`, of a manifest for each platform; what has the name of one twice is two. */
async function furnish(repository: Repository, names: readonly string[]): Promise<readonly Descriptor[]> {
  return repository.session(async (session) => {
    const manifests: (Descriptor & { platform: Platform })[] = [];
    for (const [at, name] of names.entries()) {
      const layer = await session.putBlob(utf8(`layer ${at}`));
      const pushed = await session.putManifest(packManifest({ artifactType: "test/variant", layers: [layer] }));
      manifests.push({ ...pushed, platform: parsePlatformName(name) });
    }
    await session.putManifest(packIndex({ manifests }), { tags: ["v1"] });
    return manifests;
  });
}

describe("one platform: the exact variant, else the highest that runs there, else the only one", () => {
  test.each<[string, readonly string[], string | undefined]>([
    ["linux/arm", ["linux/arm/v5", "linux/arm/v6", "linux/arm/v7", "linux/arm/v8"], "linux/arm/v7"],
    ["linux/arm", ["linux/arm/v5", "linux/arm/v6"], "linux/arm/v6"],
    ["linux/arm", ["linux/arm/v7", "linux/arm"], "linux/arm"],
    ["linux/arm/v7", ["linux/arm", "linux/arm/v7"], "linux/arm/v7"],
    ["linux/arm/v7", ["linux/arm/v6", "linux/arm"], "linux/arm"],
    ["linux/arm/v7", ["linux/arm/v5", "linux/arm/v6", "linux/arm/v8"], "linux/arm/v6"],
    ["linux/arm/v8", ["linux/arm64", "linux/arm/v6", "linux/arm/v7"], "linux/arm/v7"],
    ["linux/arm/7", ["linux/arm/v6", "linux/arm/v7"], "linux/arm/v7"],
    ["linux/arm/v6", ["linux/arm/v7", "linux/arm"], undefined],
    ["linux/arm", ["linux/arm/v8"], "linux/arm/v8"],
    ["linux/arm64", ["linux/arm64/v9", "linux/arm64/v8"], "linux/arm64/v8"],
    ["linux/arm64", ["linux/arm64/v9"], "linux/arm64/v9"],
    ["linux/arm64/v8.0", ["linux/arm64/v8.1", "linux/arm64"], "linux/arm64"],
    ["linux/arm64/v8.2", ["linux/arm64", "linux/arm64/v8.1", "linux/arm64/v8.3"], "linux/arm64/v8.1"],
    ["linux/arm64/v9.1", ["linux/arm64/v8.7", "linux/arm64/v8.6", "linux/arm64/v9.2"], "linux/arm64/v8.6"],
    ["linux/arm64/v9.7", ["linux/arm64/v8.9", "linux/arm64/v9"], "linux/arm64/v9"],
    ["linux/amd64", ["linux/amd64/v3", "linux/amd64/v1"], "linux/amd64/v1"],
    ["linux/amd64/v3", ["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"], "linux/amd64/v2"],
    ["linux/amd64", ["linux/386"], undefined],
    ["linux/arm64", ["linux/arm/v7"], undefined],
    ["linux/ppc64le", ["linux/ppc64le/power9", "linux/ppc64le"], "linux/ppc64le"],
    ["linux/ppc64le", ["linux/ppc64le/power9"], "linux/ppc64le/power9"],
    ["linux/ppc64le/power9", ["linux/ppc64le"], undefined],
    ["windows/amd64", ["windows/amd64:10.0.1", "windows/amd64"], "windows/amd64"],
    ["windows/amd64:10.0.2", ["windows/amd64:10.0.1", "windows/amd64:10.0.2"], "windows/amd64:10.0.2"],
  ])("%s of %j", async (wanted, there, expected) => {
    const { from, to } = await pair();
    const manifests = await furnish(from, there);
    const copying = copy(from, to, "v1", { platforms: [wanted] });
    if (expected === undefined) return expect(copying).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect((await copying).root.digest).toBe(manifests[there.indexOf(expected)]!.digest);
  });
});

describe("where nothing tells which is meant", () => {
  const windows = ["windows/amd64:10.0.1", "linux/amd64", "windows/amd64:10.0.2"];

  test("one platform is refused with the names that would do, and nothing is copied", async () => {
    const { from, to } = await pair();
    const [older, , newer] = await furnish(from, windows);
    const failing = copy(from, to, "v1", { platforms: ["windows/amd64"] });
    const digests = [older!.digest, newer!.digest];
    const data = { reference: "windows/amd64", digests, side: "source", op: "select" };
    await expect(failing).rejects.toMatchObject({ code: "AMBIGUOUS", data });
    await expect(failing).rejects.toThrow(
      "source: several are for windows/amd64: windows/amd64:10.0.1, windows/amd64:10.0.2",
    );
    expect(await tagsOf(to)).toEqual({});
  });

  test("what has the same name is told by its digest", async () => {
    const { from, to } = await pair();
    const [one, other] = await furnish(from, ["linux/amd64", "linux/amd64"]);
    const message = `several are for linux/amd64: linux/amd64 ${one!.digest}, linux/amd64 ${other!.digest}`;
    await expect(copy(from, to, "v1", { platforms: ["linux/amd64"] })).rejects.toThrow(message);
  });

  test("among several platforms, and in a sparse index, all of them are", async () => {
    const { from, to } = await pair();
    await furnish(from, [...windows, "linux/arm/v6", "linux/arm/v7"]);
    await copy(from, to, "v1", { platforms: ["windows/amd64", "linux/arm"] });
    const { manifests } = await to.manifest("v1");
    const names = manifests.map(({ platform }) => platform!.variant ?? platform!["os.version"]);
    expect(names).toEqual(["10.0.1", "10.0.2", "v7"]);
    const { leftOut } = await copy(from, to, "v1", { platforms: ["windows/amd64"], sparse: true });
    expect(leftOut).toHaveLength(3);
  });

  test("one manifest that is listed twice is one", async () => {
    const { from, to } = await pair();
    const [child] = await furnish(from, ["linux/amd64"]);
    await from.session((session) => session.putManifest(packIndex({ manifests: [child!, child!] }), { tags: ["v1"] }));
    expect((await copy(from, to, "v1", { platforms: ["linux/amd64"] })).root.digest).toBe(child!.digest);
  });
});
