import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { ManualEnvironment } from "@ocistore/backend-suite";
import { type Digest, MemoryBlobs, type Placement, type StoreEvent } from "@ocistore/core";
import { expect, onTestFinished, test } from "vitest";
import { sqliteCatalog } from "../src/index.ts";
import { Transactions } from "../src/transactions.ts";
import { HastyEnvironment } from "./support/hasty.ts";
import { connection, open, openWithMemory, temporaryFile, to, watched } from "./support/place.ts";

const HOUR = 60 * 60_000;
const POLICY = { grace: 1, window: 0, wait: 0 };

/** A process that takes the write lock, says so, and lets go when it is told to. */
const HOLDER = `
  const db = new (require("better-sqlite3"))(process.argv[1]);
  db.exec("BEGIN IMMEDIATE; INSERT OR REPLACE INTO settings VALUES ('held', 'yes')");
  console.log("held");
  process.stdin.once("data", () => {
    db.exec("COMMIT");
    db.close();
    process.stdin.destroy();
  });`;

async function heldByAnother(file: string): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, ["-e", HOLDER, file], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = once(child, "close");
  await once(child.stdout, "data");
  return async () => {
    child.stdin.write("go\n");
    expect(await ended).toEqual([0, null]);
  };
}

test("Q1: while another process writes, this one waits without a statement: it goes on, reads, and then has its turn", async () => {
  const file = temporaryFile();
  const catalog = await open(file);
  const letGo = await heldByAnother(file);
  let isDone = false;
  const waiting = catalog.setPolicy(POLICY).then(() => {
    isDone = true;
  });
  // Turns of this process's event loop, and a question that is answered.
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(await catalog.policy()).not.toEqual(POLICY);
  expect(isDone).toBe(false);
  await letGo();
  await waiting;
  expect(await catalog.policy()).toEqual(POLICY);
});

test("Q1: if the other does not let go, that is LOCKED, with nothing done, and later it works", async () => {
  const file = temporaryFile();
  const env = new HastyEnvironment();
  const catalog = await open(file, { env });
  const letGo = await heldByAnother(file);
  const start = env.now();
  await expect(catalog.setPolicy(POLICY)).rejects.toMatchObject({ code: "LOCKED" });
  expect(env.now() - start).toBeGreaterThan(60_000);
  expect(env.waits).toBeGreaterThan(3);
  await letGo();
  expect(await catalog.policy()).not.toEqual(POLICY);
  await catalog.setPolicy(POLICY);
});

test("a signal ends the waiting for another process, and for a transaction of this one", async () => {
  const file = temporaryFile();
  const catalog = await open(file);
  const letGo = await heldByAnother(file);
  const [first, second] = [new AbortController(), new AbortController()];
  const [waiting, next] = [first, second].map(({ signal }) => catalog.setPolicy(POLICY, { signal }));
  second.abort(new Error("second"));
  await expect(next).rejects.toThrow("second");
  first.abort(new Error("first"));
  await expect(waiting).rejects.toThrow("first");
  await letGo();
  expect(await catalog.policy()).not.toEqual(POLICY);
  await catalog.setPolicy(POLICY);
  expect(await catalog.policy()).toEqual(POLICY);
});

test("an event tells how long another had the lock, once, and none if nobody had", async () => {
  const file = temporaryFile();
  const events: StoreEvent[] = [];
  const env = new HastyEnvironment();
  const sleep = env.sleep.bind(env);
  const connect = to(file);
  const catalog = await sqliteCatalog({
    connect,
    blobs: new MemoryBlobs(env, { generations: true }),
    env,
    onEvent: (event) => events.push(event),
  });
  onTestFinished(() => catalog.close());
  await catalog.setPolicy(POLICY);
  expect(events).toEqual([]);
  const holder = connection(file);
  holder.exec("BEGIN IMMEDIATE");
  env.sleep = async (...args) => {
    await sleep(...args);
    if (env.waits === 3) holder.exec("COMMIT");
  };
  await catalog.setPolicy(POLICY);
  expect(events).toEqual([{ event: "waited", ms: expect.any(Number) }]);
  expect((events[0] as { ms: number }).ms).toBeGreaterThanOrEqual(30_000);
});

test("work that throws leaves nothing, and the next begins anew", async () => {
  const file = temporaryFile();
  const catalog = await open(file);
  const before = connection(file).prepare("SELECT * FROM settings").all();
  const transactions = new Transactions(connection(file), new ManualEnvironment());
  const db = connection(file);
  const failing = transactions.write({}, () => {
    throw new Error("after all");
  });
  await expect(failing).rejects.toThrow("after all");
  await expect(catalog.change("r", [{ do: "untag", name: "none" }])).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(db.prepare("SELECT * FROM settings").all()).toEqual(before);
  expect(db.prepare("SELECT * FROM repositories").all()).toEqual([]);
  await catalog.setPolicy(POLICY);
});

test("a command is all or nothing, wherever it is cut: it throws before any of its statements", async () => {
  const digest = `sha256:${"a".repeat(64)}` as Digest;
  const placement: Placement = { digest, size: 3, generation: "" };
  let total = Number.POSITIVE_INFINITY;
  for (let at = 1; at < total; at++) {
    const file = temporaryFile();
    const env = new ManualEnvironment();
    let count = Number.NEGATIVE_INFINITY;
    const connect = () =>
      watched(connection(file), (sql) => {
        // Only what changes something, and the end of it; a rollback is what comes of it.
        if (/^(INSERT|UPDATE|DELETE|COMMIT)/.test(sql) && ++count === at) throw new Error("cut");
      });
    const catalog = await open(file, { env, connect });
    const dump = () => {
      const db = connection(file);
      return ["digests", "blobs", "claims", "owners", "repositories", "queue"].map((name) =>
        db.prepare(`SELECT * FROM ${name}`).all(),
      );
    };
    count = 0;
    const before = dump();
    const adding = catalog.add("me", "r", [{ placement, publish: async () => {} }], { until: env.now() + HOUR });
    const failed = await adding.then(
      () => false,
      (error: Error) => error.message === "cut",
    );
    if (failed) expect(dump(), `cut at ${at}`).toEqual(before);
    else {
      total = at;
      expect(dump()).not.toEqual(before);
    }
    count = Number.NEGATIVE_INFINITY;
    await catalog.add("me", "r", [{ placement, publish: async () => {} }], { until: env.now() + HOUR });
    expect((await catalog.locate("r", digest))?.size).toBe(3);
  }
  expect(total).toBeGreaterThan(5);
});

test("a transaction that waits for the disk is seen by nobody before it is over, and holds up no read", async () => {
  const file = temporaryFile();
  const env = new ManualEnvironment();
  const { catalog } = await openWithMemory(file, env);
  const digest = `sha256:${"b".repeat(64)}` as Digest;
  const other = await open(file, { env });
  let isPublished = () => {};
  const until = new Promise<void>((resolve) => {
    isPublished = resolve;
  });
  const second = `sha256:${"c".repeat(64)}` as Digest;
  const arrivals = [
    { placement: { digest, size: 3, generation: "" }, publish: async () => {} },
    { placement: { digest: second, size: 3, generation: "" }, publish: () => until },
  ];
  const adding = catalog.add("me", "r", arrivals, { until: env.now() + HOUR });
  await new Promise((resolve) => setTimeout(resolve, 5));
  // The first of the two has its row by now, in the transaction.
  for (const each of [catalog, other]) expect(await each.locate("r", digest)).toBeUndefined();
  isPublished();
  await adding;
  for (const each of [catalog, other]) expect((await each.locate("r", digest))?.size).toBe(3);
});

test("closing waits for what has been begun", async () => {
  const file = temporaryFile();
  const env = new ManualEnvironment();
  const catalog = await open(file, { env });
  const digest = `sha256:${"d".repeat(64)}` as Digest;
  const publish = () => new Promise<void>((resolve) => setTimeout(resolve, 5));
  const adding = catalog.add("me", "r", [{ placement: { digest, size: 3, generation: "" }, publish }], {
    until: env.now() + HOUR,
  });
  await catalog.close();
  await adding;
  expect((await (await open(file, { env })).locate("r", digest))?.size).toBe(3);
});
