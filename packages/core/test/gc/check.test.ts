import { expect, test } from "vitest";
import { type BlobStore, type Digest, openStore } from "../../src/index.ts";
import { all, image, open, openParts, utf8 } from "./support.ts";

async function damaged(damage: (blobs: BlobStore, layer: Digest) => BlobStore | Promise<BlobStore>) {
  const { blobs, catalog, clock } = openParts();
  const store = await openStore({ blobs, catalog, env: clock });
  const app = store.repository("app");
  const pushed = await image(app, ["the config", "the layer"], { tags: ["v1"] });
  const [, layer] = (await app.manifest(pushed)).layers;
  const broken = await openStore({ blobs: await damage(blobs, layer!.digest), catalog, env: clock });
  return { store: broken, layer: layer!.digest, pushed };
}

/** A store that is the other but for one method. */
function instead(blobs: BlobStore, method: Partial<BlobStore>): BlobStore {
  return Object.assign(Object.create(blobs) as BlobStore, bound(blobs), method);
}

function bound(blobs: BlobStore): Partial<BlobStore> {
  return {
    capabilities: blobs.capabilities,
    list: (o) => blobs.list(o),
    read: (placement, o) => blobs.read(placement, o),
    stat: (placement, o) => blobs.stat(placement, o),
  };
}

test("a sound store has no findings, and each blob is looked at once", async () => {
  const { store, app } = await open();
  await image(app, ["a", "b"], { tags: ["v1"] });
  const checked: Digest[] = [];
  expect(await all(store.check({ onChecked: ({ digest }) => checked.push(digest) }))).toEqual([]);
  expect(new Set(checked).size).toBe(3);
  expect(checked).toHaveLength(3);
});

test("other bytes under a digest are corrupt; a fast check does not read them", async () => {
  const { store, layer } = await damaged((blobs, layer) =>
    instead(blobs, {
      read: (placement, o) =>
        placement.digest === layer
          ? (async function* () {
              yield utf8("THE LAYER");
            })()
          : blobs.read(placement, o),
    }),
  );
  expect(await all(store.check())).toMatchObject([{ level: "error", code: "corrupt", digest: layer }]);
  expect(await all(store.check({ fast: true }))).toEqual([]);
});

test("bytes that cannot be read are reported, and the others are still looked at", async () => {
  const { store, layer, pushed } = await damaged((blobs, layer) =>
    instead(blobs, {
      read: (placement, o) => {
        if (placement.digest === layer) throw new Error("EIO");
        return blobs.read(placement, o);
      },
    }),
  );
  const checked: Digest[] = [];
  const findings = await all(store.check({ onChecked: ({ digest }) => checked.push(digest) }));
  expect(findings).toMatchObject([{ code: "unreadable", digest: layer, message: "EIO" }]);
  expect(checked).toContain(pushed.digest);
});

/** A store in which the catalog has forgotten bytes, or knows another size of them. */
async function forgetful(change: (blobs: Map<Digest, { size: number }>, layer: Digest, manifest: Digest) => void) {
  const { blobs, catalog, clock, cell } = openParts();
  const store = await openStore({ blobs, catalog, env: clock });
  const app = store.repository("app");
  const pushed = await image(app, ["the config", "the layer"], { tags: ["v1"] });
  const [, layer] = (await app.manifest(pushed)).layers;
  const { state } = await cell.load();
  change(state.blobs as Map<Digest, never>, layer!.digest, pushed.digest);
  return { store, layer: layer!.digest, pushed };
}

test("content that is named and not there is missing, with who names it", async () => {
  const { store, layer, pushed } = await forgetful((blobs, layer) => blobs.delete(layer));
  expect(await all(store.check())).toMatchObject([
    { level: "error", code: "missing", digest: layer, repository: "app", namedBy: pushed.digest },
  ]);
});

test("content of another size than is said of it", async () => {
  const { store, layer, pushed } = await forgetful((blobs, layer) =>
    blobs.set(layer, { ...blobs.get(layer)!, size: 3 }),
  );
  expect(await all(store.check({ fast: true }))).toMatchObject([
    { level: "error", code: "size", digest: layer, namedBy: pushed.digest },
  ]);
});

test("a tag on what is not there is dangling", async () => {
  const { store, pushed } = await forgetful((blobs, _, manifest) => blobs.delete(manifest));
  expect(await all(store.check({ fast: true }))).toMatchObject([
    { level: "error", code: "dangling", digest: pushed.digest, repository: "app", namedBy: "tag v1" },
  ]);
});

test("a subject that was never here is no finding", async () => {
  const { store, app } = await open();
  const subject = await image((await open()).app, ["elsewhere"]);
  await image(app, ["signature"], { subject, tags: ["s"] });
  expect(await all(store.check())).toEqual([]);
});
