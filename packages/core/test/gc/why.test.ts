import { expect, test } from "vitest";
import { all, image, index, MINUTE, open } from "./support.ts";

test("each root that keeps a layer is yielded, nearest first, with the chain down to it", async () => {
  const { store, app, clock } = await open();
  const other = store.repository("other");
  const child = await image(app, ["layer"]);
  const [layer] = (await app.manifest(child)).layers;
  const top = await index(app, [child], { tags: ["latest"] });
  await app.pin(child, "release", { until: clock.now() + MINUTE });
  const signature = await image(app, ["signature"], { subject: child, tags: ["signature"] });
  const elsewhere = await image(other, ["layer"], { tags: ["copy"] });
  await image(app, ["unrelated"], { tags: ["unrelated"] });

  const reasons = await all(store.why(layer!.digest));
  const told = reasons.map(({ root, chain }) => ({
    root: `${root.why} ${root.name} ${root.repository}`,
    chain: chain.map(({ node, keeps }) => [node.digest, keeps]),
  }));
  expect(told.slice(0, 2)).toEqual(
    expect.arrayContaining([
      {
        root: "pin release app",
        chain: [
          [child.digest, "content"],
          [layer!.digest, undefined],
        ],
      },
      {
        root: "tag copy other",
        chain: [
          [elsewhere.digest, "content"],
          [layer!.digest, undefined],
        ],
      },
    ]),
  );
  expect(told.slice(2)).toEqual(
    expect.arrayContaining([
      {
        root: "tag latest app",
        chain: [
          [top.digest, "content"],
          [child.digest, "content"],
          [layer!.digest, undefined],
        ],
      },
      {
        root: "tag signature app",
        chain: [
          [signature.digest, "referrer"],
          [child.digest, "content"],
          [layer!.digest, undefined],
        ],
      },
    ]),
  );
  expect(told).toHaveLength(4);

  clock.advance(2 * MINUTE);
  expect((await all(store.why(layer!.digest))).map(({ root }) => root.why)).toEqual(["tag", "tag", "tag"]);
});

test("a referrer is kept by its subject", async () => {
  const { store, app } = await open();
  const subject = await image(app, ["image"], { tags: ["v1"] });
  const signature = await image(app, ["signature"], { subject });
  const [reason, ...more] = await all(store.why(signature.digest));
  expect(more).toEqual([]);
  expect(reason).toMatchObject({
    root: { why: "tag", name: "v1" },
    chain: [
      { node: { digest: subject.digest }, keeps: "subject" },
      { node: { digest: signature.digest, repository: "app" }, keeps: "content" },
      { node: { digest: signature.digest, repository: undefined } },
    ],
  });
});

test("what an open session holds, and garbage, which nothing keeps", async () => {
  const { store, app } = await open();
  const session = app.openSession("push-1");
  const blob = await session.putBlob(new TextEncoder().encode("held"));
  expect((await all(store.why(blob.digest))).map(({ root }) => [root.why, root.name])).toContainEqual([
    "claim",
    "push-1",
  ]);
  await session.end();
  expect(await all(store.why(blob.digest))).toEqual([]);
});
