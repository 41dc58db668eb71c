import { join } from "node:path";
import { bytesNode, digestOf, type ManifestRecord, MemoryBlobs, searchAsync, systemEnvironment } from "@ocistore/core";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { sqliteCatalog } from "../src/index.ts";
import { type Asked, counted } from "./support/counted.ts";
import { bytes, fresh, push } from "./support/layouts.ts";
import { temporary } from "./support/place.ts";

// What must not grow with the store, counted in statements and rows; times are for the benchmark.

test("index.json is written with about as many statements whether it lists little or much", async () => {
  let asked: Asked = { statements: 0, rows: 0 };
  const between = (connect: Parameters<typeof counted>[0]) => {
    const both = counted(connect);
    asked = both.asked;
    return both.connect;
  };
  const { store, catalog } = await fresh({ projection: "coalesced", between });
  const flushWith = async (first: number, count: number) => {
    for (let number = first; number < first + count; number++) await push(store, `${number}`);
    const before = asked.statements;
    await catalog.flush();
    return asked.statements - before;
  };
  const little = await flushWith(0, 5);
  // More or less by a few looks at the file.
  expect(await flushWith(5, 30)).toBeLessThan(little + 10);
});

test("where it takes long to write index.json, it is written more rarely", async () => {
  const sleeps: number[] = [];
  let slow = 0;
  let now = systemEnvironment.now();
  let wake: () => void = () => {};
  const env = {
    ...systemEnvironment,
    now: () => {
      now += slow;
      return Math.floor(now);
    },
    sleep: async (ms: number) => {
      sleeps.push(ms);
      if (ms < 1000) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    },
  };
  const { store, catalog } = await fresh({ projection: "coalesced", env });
  await push(store, "a");
  slow = 50;
  wake();
  // Behind the one that has begun.
  await catalog.flush();
  slow = 0;
  await push(store, "b");
  const [first, second] = sleeps.filter((ms) => ms >= 1000);
  expect(first).toBe(1000);
  expect(second).toBeGreaterThan(5000);
  wake();
});

test("that a layer lives which very many name is known by the first of them", async () => {
  const MANY = 2000;
  const path = join(temporary(), "catalog.db");
  const { connect, asked } = counted(() => new Database(path));
  const blobs = new MemoryBlobs(systemEnvironment, { generations: false });
  const catalog = await sqliteCatalog({ connect, blobs });
  const placed = (text: string) => ({ digest: digestOf(bytes(text)), size: 1, generation: "" });
  const layer = placed("layer");
  const manifests = Array.from(
    { length: MANY },
    (_, number): ManifestRecord => ({
      ...placed(`${number}`),
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      artifactType: undefined,
      annotations: undefined,
      edges: [{ to: layer.digest, kind: "layer" }],
      pushed: 0,
    }),
  );
  const until = systemEnvironment.now() + 60_000;
  const arrivals = [layer, ...manifests].map((placement) => ({ placement, publish: async () => {} }));
  await catalog.add("me", "app", arrivals, { until });
  await catalog.change(
    "app",
    manifests.map((manifest) => ({ do: "put", manifest }) as const),
  );
  await catalog.release("me");
  const rowsFor = async (work: () => Promise<unknown>) => {
    const before = asked.rows;
    await work();
    return asked.rows - before;
  };

  const graph = await catalog.graph();
  const searched = await rowsFor(async () => {
    expect((await searchAsync(graph, bytesNode(layer.digest))).live).toBe(true);
  });
  const condemned = await rowsFor(async () => {
    expect(await catalog.condemn([{ ...layer, kind: "blob" }], { run: "run", until })).toEqual([]);
  });
  const reviewed = await rowsFor(() => catalog.review([layer.digest]));
  await catalog.close();
  expect(Math.max(searched, condemned, reviewed)).toBeLessThan(MANY / 10);
});
