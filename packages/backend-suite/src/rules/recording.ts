import assert from "node:assert/strict";
import { digestOf, packIndex, packManifest, recordOf } from "@ocistore/core";
import { all, utf8 } from "../bytes.ts";
import { fails, same } from "../expect.ts";
import { type Rule, rules } from "../rule.ts";
import { asDescriptor, elsewhere, item } from "../world.ts";

const IMAGE = "application/vnd.oci.image.manifest.v1+json";

export const recordingRules: readonly Rule[] = [
  ...rules("recording", {
    "a manifest and its tags come in one step, as they were pushed": async (world) => {
      const { catalog, repository } = world;
      const image = await world.image("app", { tags: ["v1", "latest"] });
      for (const tag of ["v1", "latest"]) assert.equal(await catalog.resolve(repository, tag), image.digest);
      const record = await catalog.manifest(repository, image.digest);
      assert.equal(record?.mediaType, IMAGE);
      assert.equal(record?.size, image.record.size);
      assert.equal(record?.artifactType, image.record.artifactType);
      assert.deepEqual(
        record?.edges.map(({ to, kind, mediaType, size }) => [to, kind, mediaType, size]),
        image.record.edges.map(({ to, kind, mediaType, size }) => [to, kind, mediaType, size]),
      );
      for (const { digest, size } of image.items) {
        assert.equal((await catalog.locate(repository, digest))?.size, size);
        assert.equal((await catalog.locate(undefined, digest))?.size, size);
      }
    },
    "annotations are kept whatever they are called": async (world) => {
      const layer = await world.store("layer");
      const annotations = JSON.parse(`{ "__proto__": "a", "constructor": "b", "org.example/ü": "c" }`);
      const packed = packManifest({
        artifactType: "application/vnd.test",
        config: asDescriptor(layer, "application/vnd.test.config"),
        layers: [asDescriptor(layer, "application/vnd.test.layer")],
        annotations,
      });
      const { digest } = await world.put(packed, { tags: ["v1"] });
      const record = await world.catalog.manifest(world.repository, digest);
      assert.deepEqual(Object.entries(record?.annotations ?? {}).sort(), Object.entries(annotations).sort());
      assert.equal(record?.artifactType, "application/vnd.test");
    },
    "what is absent is undefined, to every reading command": async ({ catalog, repository }) => {
      const digest = digestOf(utf8("absent"));
      assert.equal(await catalog.resolve(repository, "v1"), undefined);
      assert.equal(await catalog.manifest(repository, digest), undefined);
      assert.equal(await catalog.locate(repository, digest), undefined);
      assert.equal(await catalog.locate(undefined, digest), undefined);
      assert.deepEqual(await all(catalog.tags(repository)), []);
      assert.deepEqual(await all(catalog.pins(repository)), []);
      assert.deepEqual(await all(catalog.referrers(repository, digest)), []);
      assert.deepEqual(await all(catalog.condemned()), []);
    },
    "content that is not stored is MISSING_CONTENT, which names it": async (world) => {
      const [layer, one, two] = [await world.store("layer"), elsewhere("one"), elsewhere("two")];
      const packed = packManifest({
        config: { ...one, mediaType: "application/vnd.test.config" },
        layers: [asDescriptor(layer, "application/vnd.test.layer"), two],
      });
      const error = await fails(world.put(packed, { tags: ["v1"] }), "MISSING_CONTENT");
      same(error.data.digests ?? [], [one.digest, two.digest]);
      assert.equal(await world.catalog.resolve(world.repository, "v1"), undefined);
      assert.deepEqual(await all(world.catalog.tags(world.repository)), []);
    },
    "a child manifest that is not stored is MISSING_CONTENT, unless the index is sparse": async (world) => {
      const { catalog, repository } = world;
      const child = await world.image("child");
      const absent = elsewhere("{}", IMAGE);
      const packed = packIndex({ manifests: [child.descriptor, absent] });
      const error = await fails(world.put(packed, { tags: ["v1"] }), "MISSING_CONTENT");
      same(error.data.digests ?? [], [absent.digest]);
      assert.equal(await catalog.resolve(repository, "v1"), undefined);
      const { digest } = await world.put(packed, { tags: ["v1"], sparse: true });
      assert.equal(await catalog.resolve(repository, "v1"), digest);
    },
    "a manifest whose own bytes are not stored is MISSING_CONTENT": async (world) => {
      const config = await world.store("config");
      const descriptor = asDescriptor(config, "application/vnd.test.config");
      const packed = packManifest({ config: descriptor, layers: [descriptor] });
      const { digest, size } = packed.descriptor;
      const record = recordOf(packed.manifest, { digest, size, generation: "" }, world.env.now());
      const error = await fails(
        world.catalog.change(world.repository, [{ do: "put", manifest: record }]),
        "MISSING_CONTENT",
      );
      same(error.data.digests ?? [], [digest]);
    },
    "condemned content that a manifest names is brought back by it": async (world) => {
      const { catalog, env } = world;
      const old = await world.condemned("old", { until: env.now() + 1000 });
      const layer = old.layers[0]!;
      const config = await world.store("new config");
      const packed = packManifest({
        config: asDescriptor(config, "application/vnd.test.config"),
        layers: [asDescriptor(layer, "application/vnd.test.layer")],
      });
      await world.put(packed, { tags: ["v1"] });
      await catalog.release("pusher");
      env.advance(2000);
      await world.purge();
      assert.deepEqual(await world.bytes(layer.digest), utf8("layer of old"));
    },
    "what has been purged is MISSING_CONTENT": async (world) => {
      const old = await world.condemned("old");
      await world.purge();
      const layer = asDescriptor(old.layers[0]!, "application/vnd.test.layer");
      const config = asDescriptor(await world.store("new config"), "application/vnd.test.config");
      const error = await fails(world.put(packManifest({ config, layers: [layer] })), "MISSING_CONTENT");
      same(error.data.digests ?? [], [layer.digest]);
    },
    "a manifest that has lost content does not become live again": async (world) => {
      const { catalog, repository } = world;
      const image = await world.image("app", { tags: ["v1"] });
      await catalog.change(repository, [{ do: "untag", name: "v1" }]);
      const layer = image.layers[0]!;
      assert.deepEqual(await world.condemn([item(layer, "blob")]), [layer.digest]);
      await world.purge();
      const steps = [
        { do: "tag", name: "v2", to: image.digest },
        { do: "pin", name: "p", digest: image.digest },
        { do: "keep", manifest: image.digest },
      ] as const;
      for (const step of steps) {
        const error = await fails(catalog.change(repository, [step]), "MISSING_CONTENT");
        same(error.data.digests ?? [], [layer.digest]);
      }
      await world.store("layer of app");
      await catalog.change(repository, steps);
      assert.equal(await catalog.resolve(repository, "v2"), image.digest);
    },
    "a subject may be missing, before and after": async (world) => {
      const { catalog, repository } = world;
      const subject = elsewhere("{}", IMAGE);
      const image = await world.image("signature", { subject });
      const listed = await all(catalog.referrers(repository, subject.digest));
      assert.deepEqual(
        listed.map(({ digest }) => digest),
        [image.digest],
      );
    },
    "the same manifest may be put again, and by many at once": async (world) => {
      const image = await world.image("app", { tags: ["v1"] });
      const records = Array.from({ length: 5 }, (_, i) =>
        world.catalog.change(world.repository, [
          { do: "put", manifest: image.record },
          { do: "tag", name: `t${i}`, to: image.digest },
        ]),
      );
      await Promise.all(records);
      const tags = await all(world.catalog.tags(world.repository));
      same(
        tags.map(({ name }) => name),
        ["v1", "t0", "t1", "t2", "t3", "t4"],
      );
    },
  }),
  ...rules(
    "recording",
    {
      "what was pushed in one repository is not readable in another": async (world) => {
        const { catalog } = world;
        const image = await world.image("app", { tags: ["v1"] });
        assert.equal(await catalog.resolve("team/other", "v1"), undefined);
        assert.equal(await catalog.manifest("team/other", image.digest), undefined);
        for (const { digest } of image.items) assert.equal(await catalog.locate("team/other", digest), undefined);
        await fails(catalog.change("team/other", [{ do: "tag", name: "v1", to: image.digest }]), "NOT_FOUND");
      },
      "content of another repository is missing, until it is claimed from there": async (world) => {
        const { catalog, env } = world;
        const image = await world.image("app", { tags: ["v1"] });
        const wanted = image.items.filter(({ kind }) => kind === "blob").map(({ digest }) => digest);
        const packed = packManifest({
          config: asDescriptor(image.config!, "application/vnd.test.config"),
          layers: image.layers.map((layer) => asDescriptor(layer, "application/vnd.test.layer")),
          annotations: { of: "other" },
        });
        const other = "team/other";
        const error = await fails(world.put(packed, { repository: other }), "MISSING_CONTENT");
        same(error.data.digests ?? [], wanted);
        const until = env.now() + 3_600_000;
        assert.equal((await catalog.claim("me", other, wanted, { until })).size, 0);
        assert.equal((await catalog.claim("me", other, wanted, { until, from: "team/none" })).size, 0);
        assert.equal((await catalog.claim("me", other, wanted, { until, from: world.repository })).size, wanted.length);
        await world.put(packed, { repository: other, tags: ["v1"] });
        await catalog.change(world.repository, [{ do: "remove", manifest: image.digest }], { run: "run" });
        await catalog.release("me");
        await catalog.release("pusher");
        assert.deepEqual(await world.condemn(image.items), [image.digest]);
        for (const digest of wanted) assert.ok(await world.bytes(digest, { repository: other }));
      },
      "a manifest that is removed is not found from that moment": async (world) => {
        const { catalog, repository } = world;
        const image = await world.removed("app");
        assert.equal(await catalog.manifest(repository, image.digest), undefined);
        for (const { digest } of image.items) assert.equal(await catalog.locate(repository, digest), undefined);
        await fails(catalog.change(repository, [{ do: "remove", manifest: image.digest }]), "NOT_FOUND");
        await fails(catalog.change(repository, [{ do: "keep", manifest: image.digest }]), "NOT_FOUND");
      },
      "bytes live as long as any repository keeps them": async (world) => {
        const { catalog, repository } = world;
        const here = await world.image("app", { tags: ["v1"] });
        const there = await world.image("app", { tags: ["v1"], repository: "team/other" });
        assert.equal(there.digest, here.digest);
        await catalog.change(repository, [{ do: "remove", manifest: here.digest }], { run: "run" });
        assert.deepEqual(await world.condemn(there.items), []);
        await catalog.change("team/other", [{ do: "remove", manifest: here.digest }], { run: "run" });
        same(
          await world.condemn(there.items),
          there.items.map(({ digest }) => digest),
        );
      },
      "a condemned blob comes back only to a repository that had it": async (world) => {
        const { catalog, env, repository } = world;
        const image = await world.condemned("app", { until: env.now() + 1000 });
        const layer = image.layers[0]!.digest;
        const until = env.now() + 5000;
        assert.equal((await catalog.claim("me", "team/other", [layer], { until })).size, 0);
        assert.ok((await world.condemnedDigests()).includes(layer));
        assert.equal((await catalog.claim("me", repository, [layer], { until })).size, 1);
      },
      "an unlinked blob is not readable any more, and stays for whoever else has it": async (world) => {
        const { catalog, repository } = world;
        const blob = await world.store("blob");
        await world.store("blob", { repository: "team/other", owner: "other" });
        await catalog.change(repository, [{ do: "unlink", blob: blob.digest }]);
        assert.equal(await catalog.locate(repository, blob.digest), undefined);
        await fails(catalog.change(repository, [{ do: "unlink", blob: blob.digest }]), "NOT_FOUND");
        assert.deepEqual(await world.condemn([item(blob, "blob")]), []);
        assert.deepEqual(await world.bytes(blob.digest, { repository: "team/other" }), utf8("blob"));
      },
    },
    "repositories",
  ),
];
