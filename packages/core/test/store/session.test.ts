import { describe, expect, test } from "vitest";
import { openMemory, packIndex, packManifest } from "../../src/index.ts";
import { Mutex } from "../../src/memory/mutex.ts";
import { HOUR, open } from "../gc/support.ts";

const text = (value: string) => new TextEncoder().encode(value);
const reason = new Error("enough");

test("an end that failed can be tried again, and ends the claims then", async () => {
  const store = await openMemory();
  const session = store.repository("app").openSession("job");
  await session.putBlob(text("a layer"));
  const { catalog } = store.parts;
  const release = catalog.release.bind(catalog);
  let calls = 0;
  catalog.release = async (owner, o) => {
    if (++calls === 1) throw reason;
    return release(owner, o);
  };
  await expect(session.end()).rejects.toBe(reason);
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 0 });
  await session.end();
  await session.end();
  expect(calls).toBe(2);
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 1 });
});

test("a session whose end failed takes more", async () => {
  const store = await openMemory();
  const session = store.repository("app").openSession("job");
  await expect(session.end({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(await session.putBlob(text("a layer"))).toMatchObject({ size: 7 });
  await session.end();
  await expect(session.putBlob(text("another"))).rejects.toMatchObject({ code: "CLOSED" });
});

/** How long a promise took to fail after the abort, and with what. */
async function afterAbort(controller: AbortController, promise: Promise<unknown>): Promise<[unknown, number]> {
  const failure = promise.then(
    () => expect.unreachable("it was aborted"),
    (error: unknown) => error,
  );
  await new Promise((resolve) => setTimeout(resolve, 20));
  const begin = performance.now();
  controller.abort(reason);
  return [await failure, performance.now() - begin];
}

const forever = new Promise<never>(() => {});

describe.each(["of the session", "of the call"])("a source that stalls is given up with the signal %s", (whose) => {
  test.each<[string, () => AsyncIterable<Uint8Array>]>([
    ["at once", () => ({ [Symbol.asyncIterator]: () => ({ next: () => forever }) })],
    [
      "after a piece",
      async function* () {
        yield text("a piece");
        await forever;
      },
    ],
    [
      "and hangs when it is to end",
      () => ({ [Symbol.asyncIterator]: () => ({ next: () => forever, return: () => forever }) }),
    ],
  ])("%s", async (_, source) => {
    const store = await openMemory();
    const controller = new AbortController();
    const { signal } = controller;
    const session = store.repository("app").openSession("job", whose === "of the session" ? { signal } : {});
    const putting = session.putBlob(source(), whose === "of the session" ? {} : { signal });
    const [error, elapsed] = await afterAbort(controller, putting);
    expect(error).toBe(reason);
    expect(elapsed).toBeLessThan(500);
    for await (const { id } of store.parts.blobs.uploads()) expect.unreachable(`upload ${id} was left`);
  });
});

test("a source that is given up is told so", async () => {
  const store = await openMemory();
  const controller = new AbortController();
  let told = false;
  const source = {
    [Symbol.asyncIterator]: () => ({
      next: () => forever,
      return: async () => {
        told = true;
        return { done: true as const, value: undefined };
      },
    }),
  };
  const session = store.repository("app").openSession("job");
  await afterAbort(controller, session.putBlob(source, { signal: controller.signal }));
  expect(told).toBe(true);
});

test("who waits for the mutex and gives up is told at once, and the order of the others stays", async () => {
  const mutex = new Mutex();
  const order: string[] = [];
  let finish = () => {};
  const first = mutex.run(() => new Promise<void>((resolve) => (finish = resolve)));
  const controller = new AbortController();
  const second = mutex.run(async () => void order.push("second"), { signal: controller.signal });
  const third = mutex.run(async () => void order.push("third"));
  const [error, elapsed] = await afterAbort(controller, second);
  expect(error).toBe(reason);
  expect(elapsed).toBeLessThan(500);
  expect(order).toEqual([]);
  finish();
  await Promise.all([first, third]);
  expect(order).toEqual(["third"]);
});

test("a command of the memory store that waits is told at once", async () => {
  const store = await openMemory();
  let finish = () => {};
  let arrive = () => {};
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  const publish = () => {
    arrive();
    return new Promise<void>((resolve) => (finish = resolve));
  };
  const upload = await store.parts.blobs.upload("u", { create: true });
  const placement = await upload.commit(undefined);
  const adding = store.parts.catalog.add("job", "app", [{ placement, publish }], { until: Date.now() + 60_000 });
  await arrived;
  const controller = new AbortController();
  const waiting = store.repository("app").session((session) => session.putBlob(text("x")), {
    signal: controller.signal,
  });
  // What its end waits for is not the signal's to cut short, so only the command itself is looked at.
  waiting.catch(() => {});
  const policy = store.setPolicy({ grace: 0, window: 0, wait: 0 }, { signal: controller.signal });
  const [error, elapsed] = await afterAbort(controller, policy);
  expect(error).toBe(reason);
  expect(elapsed).toBeLessThan(500);
  finish();
  await adding;
  await expect(waiting).rejects.toBe(reason);
});

test("a blob that takes long renews what the session holds besides", async () => {
  const { store, app, clock } = await open();
  const session = app.openSession("job");
  const first = await session.putBlob(text("first"));
  async function* slowly() {
    for (const piece of ["a", "b", "c"]) {
      yield text(piece);
      clock.advance(0.7 * HOUR);
      await store.collect({ grace: 0 });
    }
  }
  await session.putBlob(slowly());
  expect(await session.has([first.digest])).toEqual(new Set([first.digest]));
  await session.end();
});

test("what an untagged index names is held, and is no manifest here any more", async () => {
  const { app, store } = await open();
  const child = packManifest({ artifactType: "application/vnd.example" });
  const index = packIndex({ manifests: [child.descriptor] });
  await app.session(async (session) => {
    await session.putManifest(child, { tags: ["child"] });
    await session.putManifest(index, { tags: ["index"] });
  });
  await app.untag("index");
  const { digest } = child.descriptor;
  // As a deletion that is killed after its first step leaves it.
  await store.parts.catalog.change("app", [{ do: "remove", manifest: digest }]);
  await app.session(async (session) => {
    // A copy that took the bytes for the manifest would come to an index that it cannot push.
    expect(await session.has([index.descriptor.digest, digest])).toEqual(new Set([digest]));
    expect(await app.find(digest)).toBeUndefined();
    await session.putManifest(child);
    await session.putManifest(index, { tags: ["index"] });
  });
  expect(await app.find("index")).toMatchObject({ digest: index.descriptor.digest });
});
