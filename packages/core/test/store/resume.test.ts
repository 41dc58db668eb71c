import { expect, test } from "vitest";
import { type BlobBytes, digestOf, OciStoreError, openMemory, type Store } from "../../src/index.ts";

const PIECE = 64 * 1024;
const bytes = Uint8Array.from({ length: 5 * PIECE }, (_, at) => (at * 31 + (at >> 8)) % 251);
const digest = digestOf(bytes);
const size = bytes.length;
const gone = new Error("the line went dead");

/** Bytes from any byte on, in pieces; breaks off before byte `until`, and notes where it was asked to begin. */
function from(content: Uint8Array, until = Number.POSITIVE_INFINITY) {
  const starts: number[] = [];
  const stream = (start: number): BlobBytes => {
    starts.push(start);
    return (async function* () {
      for (let at = start; at < content.length; at += PIECE) {
        if (at >= until) throw gone;
        yield content.slice(at, at + PIECE);
      }
    })();
  };
  return { starts, stream };
}

async function uploadsOf(store: Store) {
  const found: [string, number][] = [];
  for await (const { id, offset } of store.uploads()) found.push([id, offset]);
  return found;
}

const NAME = digest.replace(":", "-");

async function place() {
  const store = await openMemory();
  return { store, session: store.repository("app").openSession("job") };
}

test.each([
  ["named after the digest", true, NAME],
  ["of a name", "mine", "mine"],
])("what fails half-way goes on from there: an upload %s", async (_, resume, id) => {
  const { store, session } = await place();
  const broken = from(bytes, 2 * PIECE);
  await expect(session.putBlob({ stream: broken.stream, digest, size }, { resume })).rejects.toBe(gone);
  expect(await uploadsOf(store)).toEqual([[id, 2 * PIECE]]);
  const whole = from(bytes);
  expect(await session.putBlob({ stream: whole.stream, digest, size }, { resume })).toMatchObject({ digest, size });
  expect([broken.starts, whole.starts]).toEqual([[0], [2 * PIECE]]);
  expect(await uploadsOf(store)).toEqual([]);
});

test("without a digest too, and from what can only be read from its beginning", async () => {
  const { session } = await place();
  const resume = "mine";
  await expect(session.putBlob({ stream: from(bytes, 3 * PIECE).stream }, { resume })).rejects.toBe(gone);
  const stream = from(bytes).stream(0);
  expect(await session.putBlob({ stream }, { resume })).toMatchObject({ digest, size });
});

test("a name that nobody gives, and no digest to make one of", async () => {
  const { session } = await place();
  await expect(session.putBlob(bytes.slice(), { resume: true })).resolves.toMatchObject({ digest });
  await expect(session.putBlob({ stream: from(bytes).stream }, { resume: true })).rejects.toThrow(TypeError);
});

test("a source that ends early without saying so can go on too", async () => {
  const { store, session } = await place();
  const half = from(bytes.slice(0, 2 * PIECE));
  const put = session.putBlob({ stream: half.stream, digest, size }, { resume: true });
  await expect(put).rejects.toMatchObject({ code: "SIZE_MISMATCH", data: { expected: size, actual: 2 * PIECE } });
  expect(await uploadsOf(store)).toEqual([[NAME, 2 * PIECE]]);
});

test("without `resume` nothing is left", async () => {
  const { store, session } = await place();
  await expect(session.putBlob({ stream: from(bytes, PIECE).stream, digest, size })).rejects.toBe(gone);
  expect(await uploadsOf(store)).toEqual([]);
});

test("what goes on and turns out to be something else is given up, and the next try begins anew", async () => {
  const { store, session } = await place();
  const other = from(new Uint8Array(size), 2 * PIECE);
  await expect(session.putBlob({ stream: other.stream, digest, size }, { resume: true })).rejects.toBe(gone);
  const put = () => session.putBlob({ stream: from(bytes).stream, digest, size }, { resume: true });
  await expect(put()).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  expect(await uploadsOf(store)).toEqual([]);
  expect(await put()).toMatchObject({ digest });
});

test.each<[string, Parameters<typeof from>[0], number | undefined]>([
  ["says so", bytes.slice(0, PIECE), PIECE],
  ["shows it", bytes.slice(0, PIECE), undefined],
])(
  "a source with less than is stored already %s: given up, and the next try begins anew",
  async (_, content, stated) => {
    const { store, session } = await place();
    const resume = "mine";
    await expect(session.putBlob({ stream: from(bytes, 3 * PIECE).stream }, { resume })).rejects.toBe(gone);
    const put = () => session.putBlob({ stream: from(content).stream(0), size: stated }, { resume });
    await expect(put()).rejects.toMatchObject({ code: "SIZE_MISMATCH", data: { actual: PIECE, expected: 3 * PIECE } });
    expect(await uploadsOf(store)).toEqual([]);
    expect(await put()).toMatchObject({ size: PIECE });
  },
);

test("so does one that cannot begin so far behind", async () => {
  const { store, session } = await place();
  await expect(session.putBlob({ stream: from(bytes, 3 * PIECE).stream }, { resume: "mine" })).rejects.toBe(gone);
  const cause = new OciStoreError("RANGE_INVALID", "not so far");
  // biome-ignore lint/correctness/useYield: it fails first
  const stream = async function* (): AsyncGenerator<Uint8Array> {
    throw cause;
  };
  const put = session.putBlob({ stream }, { resume: "mine" });
  await expect(put).rejects.toMatchObject({ code: "SIZE_MISMATCH", cause });
  expect(await uploadsOf(store)).toEqual([]);
});

test("one that is cancelled stays, and goes on", async () => {
  const { store, session } = await place();
  const controller = new AbortController();
  const stream = async function* () {
    yield bytes.slice(0, PIECE);
    controller.abort(gone);
    yield bytes.slice(PIECE);
  };
  const put = session.putBlob({ stream, digest }, { resume: true, signal: controller.signal });
  await expect(put).rejects.toBe(gone);
  expect(await uploadsOf(store)).toEqual([[NAME, PIECE]]);
  expect(await session.putBlob({ stream: from(bytes).stream, digest }, { resume: true })).toMatchObject({ size });
});

test("while another sends the same, the bytes take another way, unless the upload was asked for by its name", async () => {
  const { store, session } = await place();
  let finish = () => {};
  const slow = async function* () {
    yield bytes.slice(0, PIECE);
    await new Promise<void>((resolve) => (finish = resolve));
    yield bytes.slice(PIECE);
  };
  const first = session.putBlob({ stream: slow, digest }, { resume: true });
  await expect.poll(() => uploadsOf(store)).toEqual([[NAME, PIECE]]);
  const put = (resume: string | true) => session.putBlob({ stream: from(bytes).stream, digest }, { resume });
  await expect(put(NAME)).rejects.toMatchObject({ code: "LOCKED" });
  await expect(store.dropUpload(NAME)).rejects.toMatchObject({ code: "LOCKED" });
  expect(await put(true)).toMatchObject({ digest });
  finish();
  expect(await first).toMatchObject({ digest });
  expect(await uploadsOf(store)).toEqual([]);
});

test("LOCKED from the source is the source's", async () => {
  const { session } = await place();
  const locked = new OciStoreError("LOCKED", "not now");
  let calls = 0;
  const stream = () => {
    calls += 1;
    throw locked;
  };
  await expect(session.putBlob({ stream, digest }, { resume: true })).rejects.toBe(locked);
  expect(calls).toBe(1);
});

test("what is stored already is not asked for", async () => {
  const { session } = await place();
  await session.putBlob(bytes);
  const again = from(bytes);
  expect(await session.putBlob({ stream: again.stream, digest, size }, { resume: true })).toMatchObject({ digest });
  expect(again.starts).toEqual([]);
});

test("an upload can be given up by its name", async () => {
  const { store, session } = await place();
  await expect(session.putBlob({ stream: from(bytes, PIECE).stream }, { resume: "mine" })).rejects.toBe(gone);
  await store.dropUpload("mine");
  await expect(store.dropUpload("mine")).rejects.toMatchObject({ code: "UPLOAD_UNKNOWN" });
});
