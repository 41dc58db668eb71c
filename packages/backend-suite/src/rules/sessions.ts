import assert from "node:assert/strict";
import { digestOf, openStore, packIndex, packManifest, type Repository, type Store } from "@ocistore/core";
import { all, failing, gather, noise, pieces, utf8 } from "../bytes.ts";
import { fails, failsWith, same, sameBytes } from "../expect.ts";
import { type Rule, rules } from "../rule.ts";
import { HOUR, type World } from "../world.ts";

export async function opened(world: World): Promise<{ store: Store; repository: Repository }> {
  const store = await openStore({ blobs: world.blobs, catalog: world.catalog, env: world.env });
  await store.setPolicy({ grace: HOUR, window: 0, wait: 0 });
  return { store, repository: store.repository(world.repository) };
}

/** Pushes an image whose layers are these texts. */
export function push(repository: Repository, texts: readonly string[], tags: readonly string[] = []) {
  return repository.session(async (session) => {
    const layers = [];
    for (const text of texts) layers.push(await session.putBlob(utf8(text)));
    return session.putManifest(packManifest({ artifactType: "application/vnd.test", layers }), { tags });
  });
}

async function leavesNothing(world: World): Promise<void> {
  assert.deepEqual(await world.stored(), []);
  assert.deepEqual(await all(world.blobs.uploads()), []);
}

export const sessionRules: readonly Rule[] = [
  ...rules("sessions", {
    "what is pushed comes back byte for byte": async (world) => {
      const { repository } = await opened(world);
      const bytes = noise(200_000);
      const image = await repository.session(async (session) => {
        const layer = await session.putBlob({ stream: pieces(bytes.slice(0, 7), bytes.slice(7)), size: bytes.length });
        return session.putManifest(packManifest({ artifactType: "application/vnd.test", layers: [layer] }), {
          tags: ["v1"],
        });
      });
      const manifest = await repository.manifest("v1");
      assert.equal(digestOf(manifest.bytes), image.digest);
      sameBytes(await gather(repository.blob(manifest.layers[0]!)), bytes);
      assert.deepEqual(
        await gather(repository.blob(manifest.layers[0]!, { start: 5, end: 70_000 })),
        bytes.slice(5, 70_000),
      );
    },
    "a source that fails, or sends too little, too much or something else, leaves nothing": async (world) => {
      const { repository } = await opened(world);
      const error = new Error("the source failed");
      const session = repository.openSession("me");
      await failsWith(error, session.putBlob(failing(error, utf8("half"))));
      await fails(session.putBlob({ stream: pieces(utf8("abc")), size: 4 }), "SIZE_MISMATCH");
      await fails(session.putBlob({ stream: pieces(utf8("abc"), utf8("de")), size: 4 }), "SIZE_MISMATCH");
      await fails(session.putBlob({ stream: pieces(utf8("abc")), digest: digestOf(utf8("other")) }), "DIGEST_MISMATCH");
      await session.end();
      await leavesNothing(world);
    },
    "a push that is cancelled rejects with the reason and leaves nothing": async (world) => {
      const { repository } = await opened(world);
      const controller = new AbortController();
      const reason = new Error("enough");
      const source = async function* () {
        yield utf8("one");
        controller.abort(reason);
        yield utf8("two");
      };
      const session = repository.openSession("me");
      await failsWith(reason, session.putBlob(source(), { signal: controller.signal }));
      await session.end();
      await leavesNothing(world);
    },
    "what is stored is not stored again": async (world) => {
      const { repository } = await opened(world);
      await push(repository, ["one", "two"], ["v1"]);
      const before = await all(world.blobs.list());
      await push(repository, ["one", "two"], ["v2"]);
      assert.deepEqual((await all(world.blobs.list())).length, before.length);
    },
    "deleting an index takes its children and what only they held, and says so before": async (world) => {
      const { store, repository } = await opened(world);
      const shared = await push(repository, ["shared", "kept"], ["kept"]);
      const children = [await push(repository, ["shared", "amd"]), await push(repository, ["shared", "arm"])];
      const index = await repository.session((session) =>
        session.putManifest(packIndex({ manifests: children }), { tags: ["latest"] }),
      );
      const plan = await repository.planDelete("latest");
      const gone = [
        index.digest,
        ...children.map(({ digest }) => digest),
        digestOf(utf8("amd")),
        digestOf(utf8("arm")),
      ];
      same(
        plan.items.map(({ digest }) => digest),
        gone,
      );
      const receipt = await store.apply(plan);
      assert.equal(receipt.removed, gone.length);
      const left = await world.stored();
      for (const digest of gone) assert.ok(!left.includes(digest));
      assert.ok(left.includes(shared.digest));
      assert.deepEqual(await repository.bytes(digestOf(utf8("shared"))), utf8("shared"));
      assert.equal(await repository.find("latest"), undefined);
    },
    "a signature goes with its image, and not the image with its signature": async (world) => {
      const { repository } = await opened(world);
      const image = await push(repository, ["app"], ["v1"]);
      const sign = () =>
        repository.session((session) =>
          session.putManifest(packManifest({ artifactType: "application/vnd.sig", subject: image })),
        );
      const signature = await sign();
      await repository.delete(signature);
      assert.ok(await repository.find("v1"));
      await sign();
      await repository.delete("v1");
      await leavesNothing(world);
    },
    "untagged content is collected after the grace, not before": async (world) => {
      const { store, repository } = await opened(world);
      await push(repository, ["app"], ["v1"]);
      world.env.advance(2 * HOUR);
      await repository.untag("v1");
      world.env.advance(1000);
      assert.equal((await store.collect()).removed, 0);
      world.env.advance(2 * HOUR);
      assert.ok((await store.collect()).removed > 0);
      await leavesNothing(world);
    },
    "what an open session was told is stored stays, whatever is deleted": async (world) => {
      const { store, repository } = await opened(world);
      await push(repository, ["layer"], ["v1"]);
      const layer = digestOf(utf8("layer"));
      const session = repository.openSession("me");
      assert.deepEqual([...(await session.has([layer]))], [layer]);
      await repository.delete("v1");
      world.env.advance(10 * 60_000);
      await store.collect({ grace: 0 });
      const packed = packManifest({
        artifactType: "application/vnd.test.two",
        layers: [{ mediaType: "application/octet-stream", digest: layer, size: 5 }],
      });
      await session.putManifest(packed, { tags: ["v2"] });
      await session.end();
      await store.collect({ grace: 0 });
      assert.deepEqual(await repository.bytes(layer), utf8("layer"));
    },
    "a plan of another store is refused": async (world) => {
      const { store, repository } = await opened(world);
      await push(repository, ["app"], ["v1"]);
      const plan = await repository.planDelete("v1");
      await fails(store.apply({ ...plan, header: { ...plan.header, store: "another" } }), "CONFLICT");
      assert.ok(await repository.find("v1"));
    },
  }),
  ...rules(
    "sessions",
    {
      "there is one repository, without a name": async (world) => {
        const { store } = await opened(world);
        await fails(async () => store.repository("team/app"), "UNSUPPORTED");
      },
    },
    "oneRepository",
  ),
  ...rules(
    "sessions",
    {
      "what was deleted can be had back while the window lasts": async (world) => {
        const { store, repository } = await opened(world);
        const image = await push(repository, ["app"], ["v1"]);
        await repository.delete("v1", { window: HOUR });
        assert.equal(await repository.find(image), undefined);
        const session = repository.openSession("me");
        assert.ok((await session.has([image.digest])).has(image.digest));
        await repository.tag(image, "v1");
        await session.end();
        world.env.advance(2 * HOUR);
        await store.collect();
        assert.deepEqual(await repository.bytes(digestOf(utf8("app"))), utf8("app"));
      },
      "what nobody had back goes with the window": async (world) => {
        const { store, repository } = await opened(world);
        await push(repository, ["app"], ["v1"]);
        await repository.delete("v1", { window: HOUR });
        assert.notDeepEqual(await world.condemnedDigests(), []);
        world.env.advance(HOUR + 1);
        await store.collect();
        await leavesNothing(world);
      },
    },
    "window",
  ),
];
