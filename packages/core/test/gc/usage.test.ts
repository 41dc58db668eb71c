import fc from "fast-check";
import { expect, test } from "vitest";
import type { Descriptor, Digest, Root } from "../../src/index.ts";
import { all, image, index, open } from "./support.ts";

test("two tags on one image share what neither would free alone, and hide it from nobody", async () => {
  const { store, app } = await open();
  const pushed = await image(app, ["12345"], { tags: ["a", "b"] });
  const usage = await store.usage();
  const size = 5 + pushed.size;
  expect([...usage.roots].map(({ root, ...numbers }) => [root.name, numbers])).toEqual([
    ["a", { size, unique: size, shared: 0 }],
    ["b", { size, unique: size, shared: 0 }],
  ]);
  expect(usage).toMatchObject({ live: size, garbage: 0, condemned: 0, uploads: 0 });
});

test("garbage, condemned bytes and open uploads are counted apart", async () => {
  const { store, app } = await open();
  const gone = await image(app, ["gone"], { tags: ["gone"] });
  const lost = await image(app, ["lost!"], { tags: ["lost"] });
  await app.delete("gone", { window: 60_000 });
  await app.untag("lost");
  const upload = await store.parts.blobs.upload("u1", { create: true });
  await upload.write(
    (async function* () {
      yield new Uint8Array(7);
    })(),
    { at: 0 },
  );
  const usage = await store.usage();
  expect([...usage.roots]).toEqual([]);
  expect(usage).toMatchObject({
    live: 0,
    garbage: lost.size + 5,
    condemned: gone.size + 4,
    uploads: 7,
  });
});

/** Images by their layers, indexes by their children among the images, and tags on either. */
const worlds = fc.record({
  images: fc.array(fc.uniqueArray(fc.nat({ max: 4 }), { maxLength: 3 }), { minLength: 1, maxLength: 4 }),
  indexes: fc.array(fc.uniqueArray(fc.nat({ max: 3 }), { minLength: 1, maxLength: 3 }), { maxLength: 2 }),
  tags: fc.array(fc.nat({ max: 5 }), { maxLength: 4 }),
  signed: fc.option(fc.nat({ max: 3 }), { nil: undefined }),
});

test("the numbers are those of taking each holder away and counting again", async () => {
  await fc.assert(
    fc.asyncProperty(worlds, async ({ images, indexes, tags, signed }) => {
      const { store, app } = await open();
      const manifests: Descriptor[] = [];
      const names = new Map<Digest, Digest[]>();
      for (const [number, layers] of images.entries()) {
        const pushed = await image(
          app,
          layers.map((layer) => "x".repeat(layer + 1)),
          { name: String(number) },
        );
        const { config, layers: named } = await app.manifest(pushed);
        names.set(pushed.digest, [config!.digest, ...named.map(({ digest }) => digest)]);
        manifests.push(pushed);
      }
      const count = manifests.length;
      for (const children of indexes) {
        const named = [...new Set(children.map((child) => manifests[child % count]!))];
        const pushed = await index(app, named);
        names.set(
          pushed.digest,
          named.map(({ digest }) => digest),
        );
        manifests.push(pushed);
      }
      for (const [number, on] of tags.entries()) await app.tag(manifests[on % manifests.length]!, `t${number}`);
      if (signed !== undefined) {
        const subject = manifests[signed % count]!;
        const pushed = await image(app, ["signature"], { subject });
        const { config, layers } = await app.manifest(pushed);
        names.set(pushed.digest, [config!.digest, ...layers.map(({ digest }) => digest)]);
        names.get(subject.digest)!.push(pushed.digest);
        names.get(pushed.digest)!.push(subject.digest);
      }
      const sizes = new Map<Digest, number>();
      for await (const { digest, size } of store.parts.blobs.list()) sizes.set(digest, size);
      const reach = (from: readonly Digest[]) => {
        const reached = new Set(from);
        for (const digest of reached) for (const next of names.get(digest) ?? []) reached.add(next);
        return reached;
      };
      const total = (digests: Iterable<Digest>) => [...digests].reduce((sum, digest) => sum + sizes.get(digest)!, 0);

      const roots: Root[] = await all(store.roots());
      const usage = await store.usage();
      expect([...usage.roots]).toHaveLength(roots.length);
      for (const { root, size, unique, shared } of usage.roots) {
        const others = reach(roots.filter(({ digest }) => digest !== root.digest).map(({ digest }) => digest));
        const mine = reach([root.digest]);
        expect({ size, unique, shared }).toEqual({
          size: total(mine),
          unique: total([...mine].filter((digest) => !others.has(digest))),
          shared: total([...mine].filter((digest) => others.has(digest))),
        });
      }
      const live = total(reach(roots.map(({ digest }) => digest)));
      expect([usage.live, usage.garbage]).toEqual([live, total(sizes.keys()) - live]);
    }),
    { numRuns: Number(process.env.OCISTORE_RUNS ?? 150) },
  );
});
