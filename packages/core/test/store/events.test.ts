import { expect, test } from "vitest";
import { type OnEvent, openMemory, openStore, packManifest, type StoreEvent } from "../../src/index.ts";

const text = (value: string) => new TextEncoder().encode(value);

async function observed(onEvent: OnEvent) {
  const { parts } = await openMemory();
  const store = await openStore({ ...parts, onEvent });
  return { store, repository: store.repository("app") };
}

async function story({ store, repository }: Awaited<ReturnType<typeof observed>>) {
  const layer = await repository.session(async (session) => {
    const blob = await session.putBlob(text("a layer"));
    await session.has([blob.digest]);
    await session.putManifest(packManifest({ artifactType: "test/x", layers: [blob] }), { tags: ["v1"] });
    return blob;
  });
  await repository.delete("v1");
  for await (const _ of store.check()) expect.unreachable("all is sound");
  return layer;
}

test("what happens is told once it has happened", async () => {
  const events: StoreEvent[] = [];
  const at = await observed((event) => events.push(event));
  const layer = await story(at);
  const of = <E extends StoreEvent["event"]>(event: E) => events.filter((each) => each.event === event);
  expect(of("stored")).toContainEqual({ event: "stored", repository: "app", digest: layer.digest, size: 7 });
  expect(of("reused")).toContainEqual({ event: "reused", repository: "app", digest: layer.digest, size: 7 });
  expect(of("manifest")).toMatchObject([{ repository: "app" }]);
  expect(of("tagged")).toMatchObject([{ name: "v1" }]);
  expect(of("untagged")).toMatchObject([{ name: "v1" }]);
  expect(of("removed")).toHaveLength(1);
  expect(of("condemned")).toMatchObject([{ count: 3 }]);
  const erased = of("erased") as { count: number }[];
  expect(erased.reduce((sum, { count }) => sum + count, 0)).toBe(3);
});

test.each([
  [
    "throws",
    () => {
      throw new Error("no disk for metrics");
    },
  ],
  [
    "rejects",
    (async () => {
      throw new Error("no network for metrics");
    }) as unknown as OnEvent,
  ],
] as [string, OnEvent][])("a handler that %s breaks nothing", async (_, onEvent) => {
  const at = await observed(onEvent);
  await expect(story(at)).resolves.toMatchObject({ size: 7 });
});

test("what fails is not told", async () => {
  const events: StoreEvent[] = [];
  const { repository } = await observed((event) => events.push(event));
  await expect(repository.untag("none")).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(events).toEqual([]);
});
