import type { StoreEvent } from "@ocistore/core";
import { expect, test } from "vitest";
import type { Lock } from "../../src/index.ts";
import { bytes } from "../support/bytes.ts";
import { furnish, tagsOf } from "../support/content.ts";
import { memoryPlace } from "../support/file-systems.ts";
import { HOUR, World } from "../support/world.ts";

async function observed(o: { readonly lockedFor?: number } = {}) {
  const world = await World.make(await memoryPlace());
  const content = await furnish(world);
  const lock: Lock = {
    acquire: async () => {
      world.clock.advance(o.lockedFor ?? 0);
      return async () => {};
    },
  };
  const told: StoreEvent[] = [];
  const actor = await world.actor({ lock, onEvent: (each) => told.push(each) });
  const of = (event: StoreEvent["event"]) => told.filter((each) => each.event === event);
  return { world, content, told, of, ...actor };
}

test("a layout tells what is pushed and tagged", async () => {
  const { repository, of } = await observed();
  const { digest } = await repository.session((session) => session.putBlob(bytes("new")));
  await repository.tag("v1", "again");
  expect(of("stored")).toEqual([{ event: "stored", repository: "", digest, size: 3 }]);
  expect(of("tagged")).toMatchObject([{ name: "again" }]);
});

test("`waited`: how long the lock was another's, if it was", async () => {
  const late = await observed({ lockedFor: 250 });
  await late.repository.tag("v1", "again");
  expect(late.of("waited")).toEqual([{ event: "waited", ms: 250 }]);
  const free = await observed();
  await free.repository.tag("v1", "again");
  expect(free.of("waited")).toEqual([]);
});

test("`retried`: another tool was first, and the command has been worked out anew", async () => {
  const { world, repository, steps, of } = await observed();
  await repository.tag("v1", "again");
  expect(of("retried")).toEqual([]);
  const gate = steps.pauseBefore(({ name, path }) => name === "open" && path === world.paths.fresh("index.json"));
  const tagging = repository.tag("v1", "more");
  await gate.reached(tagging);
  const foreign = world.foreign();
  const entries = await foreign.readIndex();
  await foreign.writeIndex(
    entries.filter(({ annotations }) => annotations?.["org.opencontainers.image.ref.name"] !== "again"),
  );
  gate.open();
  await tagging;
  expect(of("retried")).toEqual([{ event: "retried", attempt: 1 }]);
  expect(Object.keys(await tagsOf(repository)).sort()).toEqual(["more", "multi", "v1", "v2"]);
});

async function* half() {
  yield bytes("half");
}

test("`upload`: one that goes on, and one that is given up", async () => {
  const { store, of } = await observed();
  const upload = await store.parts.blobs.upload("u1", { create: true });
  await upload.write(half(), { at: 0 });
  await upload.release();
  expect(of("upload")).toEqual([]);
  await store.dropUpload("u1");
  expect(of("upload")).toEqual([
    { event: "upload", id: "u1", what: "resumed", offset: 4 },
    { event: "upload", id: "u1", what: "abandoned", offset: 4 },
  ]);
});

test("`restored`: what was out of use is in use again", async () => {
  const { store, repository, of } = await observed();
  const { run } = await repository.delete("multi", { window: HOUR });
  expect(of("restored")).toEqual([]);
  const { content } = await store.undo(run);
  expect(of("restored")).toEqual([{ event: "restored", count: content.length }]);
  expect(content.length).toBeGreaterThan(1);
});

test("`finding`: what a check has found, once it is told", async () => {
  const { world, content, store, of } = await observed();
  await world.disk.unlink(world.paths.blob(content.v2));
  const findings = [];
  for await (const finding of store.check()) findings.push(finding);
  expect(findings.length).toBeGreaterThan(0);
  expect(of("finding")).toEqual(findings.map((finding) => ({ event: "finding", finding })));
});
