import assert from "node:assert/strict";
import { type Digest, digestOf } from "@ocistore/core";
import { all, utf8 } from "../bytes.ts";
import { fails } from "../expect.ts";
import { type Rule, rules } from "../rule.ts";
import type { World } from "../world.ts";

/** An image that is a root by a tag of its own, so that moving other tags does nothing to it. */
async function two(world: World): Promise<[Digest, Digest]> {
  const a = await world.image("a", { tags: ["keeps-a"] });
  const b = await world.image("b", { tags: ["keeps-b"] });
  return [a.digest, b.digest];
}

export const taggingRules: readonly Rule[] = rules("tags", {
  "a tag moves": async (world) => {
    const { catalog, repository } = world;
    const [a, b] = await two(world);
    assert.deepEqual(await catalog.change(repository, [{ do: "tag", name: "v1", to: a }]), []);
    assert.equal(await catalog.resolve(repository, "v1"), a);
    await catalog.change(repository, [{ do: "tag", name: "v1", to: b }]);
    assert.equal(await catalog.resolve(repository, "v1"), b);
  },
  "a tag on what is not stored is NOT_FOUND": async ({ catalog, repository }) => {
    const to = digestOf(utf8("absent"));
    await fails(catalog.change(repository, [{ do: "tag", name: "v1", to }]), "NOT_FOUND");
    assert.equal(await catalog.resolve(repository, "v1"), undefined);
  },
  "a tag moves only if it is where it is expected": async (world) => {
    const { catalog, repository } = world;
    const [a, b] = await two(world);
    const tag = (to: Digest, expect: Digest | null | undefined) =>
      catalog.change(repository, [{ do: "tag", name: "v1", to, expect }]);
    await fails(tag(a, b), "CONFLICT");
    assert.equal(await catalog.resolve(repository, "v1"), undefined);
    await tag(a, null);
    await fails(tag(b, null), "CONFLICT");
    await fails(tag(a, b), "CONFLICT");
    assert.equal(await catalog.resolve(repository, "v1"), a);
    await tag(b, a);
    await tag(a, undefined);
    assert.equal(await catalog.resolve(repository, "v1"), a);
  },
  "a tag goes only if it is where it is expected": async (world) => {
    const { catalog, repository } = world;
    const [a, b] = await two(world);
    await catalog.change(repository, [{ do: "tag", name: "v1", to: a }]);
    await fails(catalog.change(repository, [{ do: "untag", name: "v1", expect: b }]), "CONFLICT");
    assert.equal(await catalog.resolve(repository, "v1"), a);
    await catalog.change(repository, [{ do: "untag", name: "v1", expect: a }]);
    assert.equal(await catalog.resolve(repository, "v1"), undefined);
    await fails(catalog.change(repository, [{ do: "untag", name: "v1" }]), "NOT_FOUND");
  },
  "of many who expect the same, exactly one wins": async (world) => {
    const { catalog, repository } = world;
    const images = await Promise.all(
      [0, 1, 2, 3, 4].map((i) => world.image(`i${i}`, { tags: [`i${i}`], owner: `o${i}` })),
    );
    for (const expect of [null, images[0]!.digest]) {
      if (expect) await catalog.change(repository, [{ do: "tag", name: "v1", to: expect }]);
      const racers = images.slice(1).map(({ digest }) => digest);
      const outcomes = await Promise.allSettled(
        racers.map((to) => catalog.change(repository, [{ do: "tag", name: "v1", to, expect }])),
      );
      const winners = racers.filter((_, i) => outcomes[i]!.status === "fulfilled");
      assert.equal(winners.length, 1);
      assert.equal(await catalog.resolve(repository, "v1"), winners[0]);
      for (const outcome of outcomes) {
        if (outcome.status === "rejected") await fails(Promise.reject(outcome.reason), "CONFLICT");
      }
    }
  },
  "many tags at once are all set": async (world) => {
    const { catalog, repository } = world;
    const [a] = await two(world);
    const names = Array.from({ length: 8 }, (_, i) => `t${i}`);
    await Promise.all(names.map((name) => catalog.change(repository, [{ do: "tag", name, to: a }])));
    for (const name of names) assert.equal(await catalog.resolve(repository, name), a);
  },
  "all steps or none": async (world) => {
    const { catalog, repository } = world;
    const [a, b] = await two(world);
    const before = await all(catalog.tags(repository));
    const first = { do: "tag", name: "new", to: a } as const;
    const moved = { do: "tag", name: "keeps-b", to: a } as const;
    const failures = [
      [[first, moved, { do: "tag", name: "other", to: a, expect: b }], "CONFLICT"],
      [[first, { do: "untag", name: "keeps-a" }, { do: "untag", name: "absent" }], "NOT_FOUND"],
      [[first, moved, { do: "remove", manifest: digestOf(utf8("absent")) }], "NOT_FOUND"],
      [[{ do: "pin", name: "p", digest: a }, first, { do: "unpin", name: "absent" }], "NOT_FOUND"],
      [
        [
          { do: "pin", name: "p", digest: a },
          { do: "remove", manifest: a },
        ],
        "IN_USE",
      ],
    ] as const;
    for (const [steps, code] of failures) {
      await fails(catalog.change(repository, steps), code);
      assert.deepEqual(await all(catalog.tags(repository)), before);
      assert.deepEqual(await all(catalog.pins(repository)), []);
    }
    assert.ok(await catalog.manifest(repository, a));
    assert.ok(await catalog.manifest(repository, b));
  },
  "no steps change nothing": async ({ catalog, repository }) => {
    assert.deepEqual(await catalog.change(repository, []), []);
  },
});
