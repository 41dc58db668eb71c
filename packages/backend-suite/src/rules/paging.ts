import assert from "node:assert/strict";
import { digestOf, packManifest } from "@ocistore/core";
import { all, utf8 } from "../bytes.ts";
import { type Rule, rules } from "../rule.ts";
import { asDescriptor } from "../world.ts";

/** In the order of ASCII codes, which is nobody's alphabet. */
const NAMES = ["10", "9", "B", "Z9", "_x", "a", "a-b", "a.b", "a_b", "ab", "b"];

export const pagingRules: readonly Rule[] = [
  ...rules("paging", {
    "tags come in the order of their ASCII codes": async (world) => {
      const image = await world.image("app", { tags: [...NAMES].reverse() });
      const listed = await all(world.catalog.tags(world.repository));
      assert.deepEqual(
        listed,
        NAMES.map((name) => ({ name, digest: image.digest })),
      );
    },
    "a page of tags begins after a name and has at most so many": async (world) => {
      await world.image("app", { tags: NAMES });
      const page = async (o: { after?: string; limit?: number }) =>
        (await all(world.catalog.tags(world.repository, o))).map(({ name }) => name);
      assert.deepEqual(await page({ limit: 3 }), NAMES.slice(0, 3));
      assert.deepEqual(await page({ after: "B", limit: 4 }), NAMES.slice(3, 7));
      assert.deepEqual(await page({ after: "a-a" }), NAMES.slice(6), "after a name that is no tag");
      assert.deepEqual(await page({ after: "b" }), []);
      assert.deepEqual(await page({ limit: 0 }), []);
      assert.deepEqual(await page({ limit: 1000 }), NAMES);
      const walked: string[] = [];
      for (let after: string | undefined; ; ) {
        const names = await page({ limit: 2, ...(after !== undefined && { after }) });
        walked.push(...names);
        after = names.at(-1);
        if (after === undefined) break;
      }
      assert.deepEqual(walked, NAMES);
    },
    "referrers come in the order of their digests, in pages, and by type": async (world) => {
      const { catalog, repository } = world;
      const image = await world.image("app", { tags: ["v1"] });
      const layer = asDescriptor(await world.store("proof", { owner: "keeper" }), "application/vnd.test.layer");
      await world.image("other", { tags: ["v2"], subject: (await world.image("elsewhere")).descriptor });
      const pushed: string[] = [];
      for (let i = 0; i < 6; i++) {
        const artifactType = `application/vnd.test.${i % 2 ? "odd" : "even"}`;
        const annotations = { number: String(i) };
        const packed = packManifest({
          artifactType,
          config: layer,
          layers: [layer],
          subject: image.descriptor,
          annotations,
        });
        pushed.push((await world.put(packed)).digest);
      }
      pushed.sort();
      const page = async (o: { after?: string; limit?: number; artifactType?: string } = {}) =>
        (await all(catalog.referrers(repository, image.digest, o))).map(({ digest }) => digest as string);
      assert.deepEqual(await page(), pushed);
      assert.deepEqual(await page({ limit: 2 }), pushed.slice(0, 2));
      assert.deepEqual(await page({ limit: 2, after: pushed[2]! }), pushed.slice(3, 5));
      assert.deepEqual(await page({ limit: 0 }), []);
      const odd = await all(catalog.referrers(repository, image.digest, { artifactType: "application/vnd.test.odd" }));
      assert.equal(odd.length, 3);
      for (const { artifactType, annotations } of odd) {
        assert.equal(artifactType, "application/vnd.test.odd");
        assert.equal(Number(annotations?.number) % 2, 1);
      }
      const one = await page({ artifactType: "application/vnd.test.odd", limit: 1, after: odd[0]!.digest });
      assert.deepEqual(one, [odd[1]!.digest]);
      assert.deepEqual(await all(catalog.referrers(repository, digestOf(utf8("absent")))), []);
    },
  }),
  ...rules(
    "paging",
    {
      "repositories that hold anything come in the order of their ASCII codes": async (world) => {
        const names = ["a", "a-b", "a/b", "a0", "b", "b/c/d"];
        for (const repository of [...names].reverse()) await world.image("app", { repository, tags: ["v1"] });
        assert.deepEqual(await all(world.catalog.repositories()), names);
        assert.deepEqual(await all(world.catalog.repositories({ after: "a/b", limit: 2 })), ["a0", "b"]);
        assert.deepEqual(await all(world.catalog.repositories({ limit: 0 })), []);
        const removed = await world.catalog.resolve("b", "v1");
        await world.catalog.change("b", [{ do: "remove", manifest: removed! }]);
        assert.deepEqual(await all(world.catalog.repositories({ after: "a0" })), ["b/c/d"]);
      },
    },
    "repositories",
  ),
];
