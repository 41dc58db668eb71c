import assert from "node:assert/strict";
import { bytesNode, type Digest, manifestNode, referrersTag, searchAsync } from "@ocistore/core";
import { all } from "../bytes.ts";
import { same } from "../expect.ts";
import { type Rule, rules } from "../rule.ts";
import { asDescriptor, type Image, type World } from "../world.ts";

async function isLive(world: World, digest: Digest): Promise<boolean> {
  const graph = await world.catalog.graph();
  return (await searchAsync(graph, manifestNode(world.repository, digest))).live;
}

/** What is live by the rule, worked out forwards over what was pushed. */
function forwards(images: readonly Image[], roots: ReadonlySet<Digest>): Set<Digest> {
  const live = new Set<Digest>();
  const stored = new Set(images.map(({ digest }) => digest));
  for (let grew = true; grew; ) {
    const before = live.size;
    for (const { digest, record } of images) {
      const subjects = record.edges.filter(({ kind }) => kind === "subject").map(({ to }) => to);
      if (roots.has(digest) || subjects.some((to) => stored.has(to) && live.has(to))) live.add(digest);
      if (!live.has(digest)) continue;
      for (const { to, kind } of record.edges) if (kind !== "subject" || stored.has(to)) live.add(to);
    }
    grew = live.size > before;
  }
  return live;
}

export const livenessRules: readonly Rule[] = rules("liveness", {
  "the graph knows the roots of a manifest by kind and name": async (world) => {
    const { catalog, repository, env } = world;
    const image = await world.image("app", { tags: ["v1", "v2"] });
    await catalog.change(repository, [{ do: "pin", name: "p", digest: image.digest }]);
    await catalog.claim("me", repository, [image.digest], { until: env.now() + 1000 });
    const graph = await catalog.graph();
    const roots = await graph.roots(manifestNode(repository, image.digest));
    same(
      roots.map(({ why, name }) => `${why} ${name}`),
      ["tag v1", "tag v2", "pin p", "claim me"],
    );
    const every = (await all(graph.allRoots())).filter(({ digest }) => digest === image.digest);
    same(
      every.map(({ why, name }) => `${why} ${name}`),
      ["tag v1", "tag v2", "pin p", "claim me"],
    );
    const bytes = await graph.roots(bytesNode(image.digest));
    same(
      bytes.map(({ why, name }) => `${why} ${name}`),
      ["pin p", "claim me"],
    );
  },
  "the graph knows who names whom": async (world) => {
    const { catalog, repository } = world;
    const child = await world.image("child");
    const index = await world.index([child], { tags: ["v1"] });
    const signature = await world.image("signature", { subject: index.descriptor });
    const graph = await catalog.graph();
    const names = (nodes: Iterable<{ digest: Digest }>) => [...nodes].map(({ digest }) => digest);
    const node = ({ digest }: Image) => manifestNode(repository, digest);
    same(names(await graph.parents(node(child))), [index.digest]);
    same(names(await graph.parents(node(index))), []);
    same(names(await graph.subjects(node(signature))), [index.digest]);
    same(names(await graph.referrers(node(index))), [signature.digest]);
    same(names(await graph.referrers(node(child))), []);
    same(names(await graph.parents(bytesNode(child.layers[0]!.digest))), [child.digest]);
    same(names(await graph.parents(bytesNode(child.digest))), [child.digest, index.digest]);
    same(names(await all(graph.manifests())), [child.digest, index.digest, signature.digest]);
    assert.deepEqual(await all(graph.unreadable()), []);
  },
  "a manifest that nothing has named is a root; a tag, a parent and a subject end that": async (world) => {
    const { catalog, repository } = world;
    const alone = await world.image("alone");
    assert.ok(await isLive(world, alone.digest), "stored and never named");
    await catalog.change(repository, [{ do: "tag", name: "v1", to: alone.digest }]);
    await catalog.change(repository, [{ do: "untag", name: "v1" }]);
    assert.equal(await isLive(world, alone.digest), false, "its tag went");
    const child = await world.image("child");
    await world.index([child], { tags: ["v2"] });
    await catalog.change(repository, [{ do: "untag", name: "v2" }]);
    assert.equal(await isLive(world, child.digest), false, "its parent's tag went");
  },
  "a referrer that came before its subject goes with it": async (world) => {
    const { catalog, repository } = world;
    const layer = await world.store("shared", { owner: "keeper" });
    const image = await world.image("app", { tags: ["v1"] });
    await catalog.change(repository, [{ do: "remove", manifest: image.digest }], { run: "run" });
    await world.condemn([image.items[0]!]);
    await world.purge();
    const signature = await world.image("signature", { subject: image.descriptor, layers: [layer] });
    assert.ok(await isLive(world, signature.digest), "its subject is not stored");
    const again = await world.image("app", { tags: ["v1"] });
    assert.equal(again.digest, image.digest);
    await catalog.change(repository, [{ do: "untag", name: "v1" }]);
    assert.equal(await isLive(world, signature.digest), false);
  },
  "subjects and referrers live and die together": async (world) => {
    const { catalog, repository } = world;
    const image = await world.image("app", { tags: ["v1"] });
    const signature = await world.image("signature", { subject: image.descriptor });
    const onSignature = await world.image("attestation", { subject: signature.descriptor });
    for (const { digest } of [image, signature, onSignature]) assert.ok(await isLive(world, digest));
    await catalog.change(repository, [{ do: "untag", name: "v1" }]);
    for (const { digest } of [image, signature, onSignature]) assert.equal(await isLive(world, digest), false);
    await catalog.change(repository, [{ do: "tag", name: "s", to: onSignature.digest }]);
    for (const { digest } of [image, signature, onSignature]) assert.ok(await isLive(world, digest));
  },
  "a layer keeps no referrers": async (world) => {
    const { catalog, repository } = world;
    const image = await world.image("app", { tags: ["v1"] });
    const subject = asDescriptor(image.layers[0]!, "application/vnd.test.layer");
    const signature = await world.image("signature", { subject, tags: ["s"] });
    await catalog.change(repository, [{ do: "untag", name: "s" }]);
    assert.equal(await isLive(world, signature.digest), false);
  },
  "a referrers tag is no root while its subject is stored": async (world) => {
    const { catalog, repository } = world;
    const image = await world.image("app", { tags: ["v1"] });
    const signature = await world.image("signature", { subject: image.descriptor });
    const tag = referrersTag(image.digest);
    const machinery = await world.index([signature], { tags: [tag] });
    const graph = await catalog.graph();
    assert.deepEqual(await graph.roots(manifestNode(repository, machinery.digest)), []);
    assert.ok(await isLive(world, machinery.digest), "it is a referrer of what is live");
    const removed = await catalog.change(repository, [
      { do: "remove", manifest: image.digest },
      { do: "drop", manifest: signature.digest },
      { do: "drop", manifest: machinery.digest },
    ]);
    same(removed, [image.digest, signature.digest, machinery.digest]);
    assert.deepEqual(await all(catalog.tags(repository)), []);
  },
  "backwards and forwards agree on random graphs": async (world) => {
    const { catalog, env, repository } = world;
    const pick = (count: number) => Math.floor(env.chance() * count);
    const layers = await Promise.all(["l0", "l1", "l2"].map((text) => world.store(text, { owner: "keeper" })));
    const images: Image[] = [];
    for (let i = 0; i < 14; i++) {
      const subject = images.length > 0 && env.chance() < 0.4 ? images[pick(images.length)]!.descriptor : undefined;
      const isIndex = images.length > 1 && env.chance() < 0.35;
      const children = new Set([images[pick(images.length)], images[pick(images.length)]]);
      const image = isIndex
        ? await world.index([...children] as Image[])
        : await world.image(`i${i}`, { layers: [layers[pick(3)]!], ...(subject && { subject }) });
      if (images.some(({ digest }) => digest === image.digest)) continue;
      images.push(image);
      // A tag that comes and goes takes the mark of what nothing has named; a few keep theirs.
      const name = `t${i}`;
      await catalog.change(repository, [{ do: "tag", name, to: image.digest }]);
      if (env.chance() < 0.75) await catalog.change(repository, [{ do: "untag", name }]);
    }
    const tagged = new Set((await all(catalog.tags(repository))).map(({ digest }) => digest));
    const live = forwards(images, tagged);
    const graph = await catalog.graph();
    for (const { digest, config } of images) {
      const verdict = await searchAsync(graph, manifestNode(repository, digest));
      assert.equal(verdict.live, live.has(digest), `manifest ${images.findIndex((image) => image.digest === digest)}`);
      if (config) assert.equal((await searchAsync(graph, bytesNode(config.digest))).live, live.has(config.digest));
    }
  },
});
