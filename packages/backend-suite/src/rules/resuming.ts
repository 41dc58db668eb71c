import assert from "node:assert/strict";
import { type Bytes, digestOf } from "@ocistore/core";
import { all, failing, gate, gather, noise, pieces, utf8 } from "../bytes.ts";
import { fails, sameBytes } from "../expect.ts";
import { type Rule, rules } from "../rule.ts";

export const resumingRules: readonly Rule[] = rules(
  "resuming",
  {
    "an upload goes on under its id, where it stopped": async ({ blobs }) => {
      const bytes = noise(100_000);
      const first = await blobs.upload("one", { create: true });
      await first.write(pieces(bytes.slice(0, 40_000)), { at: 0 });
      const second = await blobs.upload("one");
      assert.equal(second.offset, 40_000);
      assert.equal(await second.write(pieces(bytes.slice(40_000)), { at: 40_000 }), 100_000);
      const placement = await second.commit(digestOf(bytes), { size: 100_000 });
      await second.publish();
      sameBytes(await gather(blobs.read(placement)), bytes);
    },
    "another process may go on with it": async ({ blobs, catalog, harness }) => {
      const bytes = noise(50_000);
      const first = await blobs.upload("one", { create: true });
      await first.write(pieces(bytes.slice(0, 20_000)), { at: 0 });
      await catalog.close();
      await blobs.close();
      const again = await harness.reopen();
      const second = await again.blobs.upload("one");
      assert.equal(second.offset, 20_000);
      await second.write(pieces(bytes.slice(20_000)), { at: 20_000 });
      const placement = await second.commit(undefined);
      assert.equal(placement.digest, digestOf(bytes));
      await second.publish();
      sameBytes(await gather(again.blobs.read(placement)), bytes);
      await again.catalog.close();
      await again.blobs.close();
    },
    "after a source has failed it goes on from the offset": async ({ blobs }) => {
      const bytes = noise(3000);
      const upload = await blobs.upload("one", { create: true });
      const broken = failing(new Error("gone"), bytes.slice(0, 1000), bytes.slice(1000, 2000));
      await upload.write(broken, { at: 0 }).catch(() => {});
      const again = await blobs.upload("one");
      await again.write(pieces(bytes.slice(again.offset)), { at: again.offset });
      const placement = await again.commit(digestOf(bytes), { size: 3000 });
      await again.publish();
      sameBytes(await gather(blobs.read(placement)), bytes);
    },
    "the digest may turn out to be of another algorithm": async ({ blobs }) => {
      const bytes = noise(3000);
      const upload = await blobs.upload("one", { create: true });
      await upload.write(pieces(bytes), { at: 0 });
      const placement = await upload.commit(digestOf(bytes, "sha512"));
      await upload.publish();
      sameBytes(await gather(blobs.read(placement)), bytes);
    },
    "a second handle does not write beside the first": async ({ blobs }) => {
      const first = await blobs.upload("one", { create: true });
      const { opened, open } = gate();
      const started = gate();
      const slow = async function* (): Bytes {
        yield utf8("a");
        started.open();
        await opened;
        yield utf8("b");
      };
      const writing = first.write(slow(), { at: 0 });
      await started.opened;
      await fails(async () => {
        const second = await blobs.upload("one");
        await second.write(pieces(utf8("x")), { at: second.offset });
      }, "LOCKED");
      open();
      assert.equal(await writing, 2);
      assert.equal((await first.commit(undefined)).digest, digestOf(utf8("ab")));
    },
    "what is released goes on, committed or not, in whoever opens it next": async ({ blobs }) => {
      const bytes = noise(3000);
      const first = await blobs.upload("one", { create: true });
      await first.write(pieces(bytes.slice(0, 1000)), { at: 0 });
      await first.release();
      await first.release();
      const second = await blobs.upload("one");
      assert.equal(second.offset, 1000);
      await second.write(pieces(bytes.slice(1000)), { at: 1000 });
      const placement = await second.commit(digestOf(bytes));
      await second.publish();
      await second.release();
      sameBytes(await gather(blobs.read(placement)), bytes);
      assert.deepEqual(await all(blobs.uploads()), []);
    },
    "while somebody writes to it, it is not given up, and the list says so": async ({ blobs }) => {
      const first = await blobs.upload("one", { create: true });
      const { opened, open } = gate();
      const started = gate();
      const slow = async function* (): Bytes {
        yield utf8("a");
        started.open();
        await opened;
        yield utf8("b");
      };
      const writing = first.write(slow(), { at: 0 });
      await started.opened;
      await fails(async () => (await blobs.upload("one")).abort(), "LOCKED");
      assert.deepEqual(
        (await all(blobs.uploads())).map(({ id, holder }) => [id, typeof holder]),
        [["one", "string"]],
      );
      open();
      assert.equal(await writing, 2);
      await first.release();
      assert.deepEqual(
        (await all(blobs.uploads())).map(({ id, offset, holder }) => [id, offset, holder]),
        [["one", 2, undefined]],
      );
      await (await blobs.upload("one")).abort();
      assert.deepEqual(await all(blobs.uploads()), []);
    },
    "a handle that is behind writes nothing, and takes nothing away": async ({ blobs }) => {
      const stale = await blobs.upload("one", { create: true });
      await stale.write(pieces(utf8("ab")), { at: 0 });
      const fresh = await blobs.upload("one");
      await fresh.write(pieces(utf8("cd")), { at: 2 });
      await fails(async () => {
        await stale.write(pieces(utf8("xx")), { at: 2 });
        await stale.commit(undefined);
      }, "CONFLICT");
      const placement = await fresh.commit(digestOf(utf8("abcd")));
      await fresh.publish();
      sameBytes(await gather(blobs.read(placement)), utf8("abcd"));
    },
    "a committed upload cannot be opened again": async ({ blobs }) => {
      const upload = await blobs.upload("one", { create: true });
      await upload.commit(undefined);
      await upload.publish();
      await fails(blobs.upload("one"), "UPLOAD_UNKNOWN");
    },
  },
  "resumableUploads",
);
