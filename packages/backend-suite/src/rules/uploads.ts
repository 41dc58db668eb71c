import assert from "node:assert/strict";
import { type Bytes, digestOf } from "@ocistore/core";
import { all, failing, gate, gather, noise, pieces, utf8 } from "../bytes.ts";
import { fails, failsWith, sameBytes } from "../expect.ts";
import { type Rule, rules } from "../rule.ts";
import type { World } from "../world.ts";

async function nothingIsLeft(world: World): Promise<void> {
  assert.deepEqual(await all(world.blobs.uploads()), [], "an upload is left");
  assert.deepEqual(await all(world.blobs.list()), [], "bytes are left");
}

export const uploadRules: readonly Rule[] = rules("uploads", {
  "a new upload must be new, an old one must exist": async ({ blobs }) => {
    await blobs.upload("one", { create: true });
    await fails(blobs.upload("one", { create: true }), "ALREADY_EXISTS");
    await fails(blobs.upload("other"), "UPLOAD_UNKNOWN");
  },
  "writes append, and tell the new offset": async ({ blobs }) => {
    const upload = await blobs.upload("one", { create: true });
    assert.equal(upload.offset, 0);
    assert.equal(await upload.write(pieces(utf8("ab"), utf8("")), { at: 0 }), 2);
    assert.equal(await upload.write(pieces(), { at: 2 }), 2);
    assert.equal(await upload.write(pieces(utf8("cde")), { at: 2 }), 5);
    assert.equal(upload.offset, 5);
    const placement = await upload.commit(digestOf(utf8("abcde")), { size: 5 });
    await upload.publish();
    sameBytes(await gather(blobs.read(placement)), utf8("abcde"));
  },
  "a write at another place than the end is a CONFLICT and changes nothing": async ({ blobs }) => {
    const upload = await blobs.upload("one", { create: true });
    await upload.write(pieces(utf8("abc")), { at: 0 });
    for (const at of [0, 2, 4]) await fails(upload.write(pieces(utf8("x")), { at }), "CONFLICT");
    assert.equal(upload.offset, 3);
    assert.equal((await upload.commit(undefined)).digest, digestOf(utf8("abc")));
  },
  "a second writer at the same time is refused with LOCKED": async ({ blobs }) => {
    const upload = await blobs.upload("one", { create: true });
    const { opened, open } = gate();
    const started = gate();
    const slow = async function* (): Bytes {
      yield utf8("a");
      started.open();
      await opened;
      yield utf8("b");
    };
    const first = upload.write(slow(), { at: 0 });
    await started.opened;
    await fails(upload.write(pieces(utf8("x")), { at: upload.offset }), "LOCKED");
    open();
    assert.equal(await first, 2);
    assert.equal((await upload.commit(undefined)).digest, digestOf(utf8("ab")));
  },
  "a source that fails half-way fails the write with its own error, and leaves nothing visible": async (world) => {
    const error = new Error("the source failed");
    const upload = await world.blobs.upload("one", { create: true });
    await failsWith(error, upload.write(failing(error, utf8("ab"), utf8("cd")), { at: 0 }));
    assert.ok(upload.offset <= 4);
    assert.deepEqual(await all(world.blobs.list()), []);
    await upload.abort();
    await nothingIsLeft(world);
  },
  "wrong bytes are a DIGEST_MISMATCH and leave nothing": async (world) => {
    const upload = await world.sent(utf8("these"));
    await fails(upload.commit(digestOf(utf8("those"))), "DIGEST_MISMATCH");
    await nothingIsLeft(world);
    await upload.abort();
  },
  "too few bytes are a SIZE_MISMATCH and leave nothing": async (world) => {
    const upload = await world.sent(utf8("these"));
    await fails(upload.commit(undefined, { size: 6 }), "SIZE_MISMATCH");
    await nothingIsLeft(world);
    await upload.abort();
  },
  "too many bytes are a SIZE_MISMATCH and leave nothing": async (world) => {
    const upload = await world.sent(utf8("these"));
    await fails(upload.commit(digestOf(utf8("these")), { size: 4 }), "SIZE_MISMATCH");
    await nothingIsLeft(world);
    await upload.abort();
  },
  "commit works out the digest of the upload's algorithm": async (world) => {
    const bytes = noise(1000);
    for (const algorithm of ["sha256", "sha384", "sha512"] as const) {
      const upload = await world.sent(bytes, { algorithm });
      const placement = await upload.commit(undefined, { size: 1000 });
      assert.equal(placement.digest, digestOf(bytes, algorithm));
      assert.equal(placement.size, 1000);
      await upload.publish();
      sameBytes(await gather(world.blobs.read(placement)), bytes);
    }
  },
  "publish may come twice, and abort after it is harmless": async (world) => {
    const upload = await world.sent(utf8("here"));
    const placement = await upload.commit(undefined);
    await upload.publish();
    await upload.publish();
    await upload.abort();
    await upload.abort();
    sameBytes(await gather(world.blobs.read(placement)), utf8("here"));
  },
  "an aborted upload is gone with its bytes": async (world) => {
    const upload = await world.sent(utf8("here"));
    await upload.abort();
    await upload.abort();
    await fails(world.blobs.upload(upload.id), "UPLOAD_UNKNOWN");
    await nothingIsLeft(world);
  },
  "open uploads are listed with their offset until they end": async ({ blobs, env }) => {
    const one = await blobs.upload("one", { create: true });
    const two = await blobs.upload("two", { create: true });
    await one.write(pieces(utf8("abc")), { at: 0 });
    const listed = await all(blobs.uploads());
    assert.deepEqual(
      new Map(listed.map(({ id, offset }) => [id, offset])),
      new Map([
        ["one", 3],
        ["two", 0],
      ]),
    );
    for (const { touched } of listed) assert.ok(touched > 0 && touched <= env.now());
    await two.abort();
    await one.commit(undefined);
    await one.publish();
    assert.deepEqual(await all(blobs.uploads()), []);
  },
  "two writers of one digest both succeed, and one blob or two are there": async (world) => {
    const bytes = noise(70_000);
    const uploads = await Promise.all(["one", "two"].map((id) => world.blobs.upload(id, { create: true })));
    const placements = await Promise.all(
      uploads.map(async (upload) => {
        await upload.write(pieces(bytes.slice(0, 30_000), bytes.slice(30_000)), { at: 0 });
        const placement = await upload.commit(digestOf(bytes));
        await upload.publish();
        return placement;
      }),
    );
    for (const placement of placements) sameBytes(await gather(world.blobs.read(placement)), bytes);
    assert.deepEqual(new Set(await world.stored()), new Set([digestOf(bytes)]));
  },
});

export const generationRules: readonly Rule[] = [
  ...rules(
    "places",
    {
      "each upload gets a place of its own": async (world) => {
        const [one, two] = [await world.orphan(utf8("same")), await world.orphan(utf8("same"))];
        assert.equal(one.digest, two.digest);
        assert.notEqual(one.generation, two.generation);
        assert.equal((await all(world.blobs.list())).length, 2);
      },
      "deleting one place leaves the other": async (world) => {
        const [one, two] = [await world.orphan(utf8("same")), await world.orphan(utf8("same"))];
        assert.deepEqual(await world.erase([one]), [one.digest]);
        assert.equal(await world.blobs.stat(one), undefined);
        sameBytes(await gather(world.blobs.read(two)), utf8("same"));
        assert.deepEqual(
          (await all(world.blobs.list())).map(({ generation }) => generation),
          [two.generation],
        );
      },
      "a place is never used again": async (world) => {
        const one = await world.orphan(utf8("same"));
        await world.erase([one]);
        assert.notEqual((await world.orphan(utf8("same"))).generation, one.generation);
        assert.equal(await world.blobs.stat(one), undefined);
      },
    },
    "generations",
  ),
  ...rules(
    "places",
    {
      "a digest has one place": async (world) => {
        const [one, two] = [await world.orphan(utf8("same")), await world.orphan(utf8("same"))];
        assert.deepEqual(one, two);
        assert.equal(one.generation, "");
        assert.equal((await all(world.blobs.list())).length, 1);
      },
      "committed bytes do not lie at their place before they are published": async (world) => {
        const upload = await world.sent(utf8("here"));
        const placement = await upload.commit(undefined);
        assert.equal(await world.blobs.stat(placement), undefined);
        assert.deepEqual(await all(world.blobs.list()), []);
        await upload.publish();
        assert.equal((await world.blobs.stat(placement))?.size, 4);
      },
      "what is committed and given up leaves nothing": async (world) => {
        const upload = await world.sent(utf8("here"));
        await upload.commit(undefined);
        await upload.abort();
        await nothingIsLeft(world);
      },
    },
    "fixedNames",
  ),
];
