import { ManualEnvironment } from "@ocistore/backend-suite";
import type { Digest, Placement } from "@ocistore/core";
import { describe, expect, test } from "vitest";
import { connection, open, openWithMemory, temporaryFile, watched } from "./support/place.ts";

// What another process does in the very gap that a command leaves, or would leave: between its transactions, and while
// bytes come to their name or leave it.

const HOUR = 60 * 60_000;
const DIGEST = `sha256:${"a".repeat(64)}` as Digest;
const placed = (generation: string): Placement => ({ digest: DIGEST, size: 3, generation });
const nothing = async () => {};

/** What happens before a transaction of one process begins: the lock seems to be taken, and while it waits others have a turn. */
class Gap extends ManualEnvironment {
  #left = Number.POSITIVE_INFINITY;
  #happens: () => Promise<void> = nothing;

  /** Before the transaction number `before` that begins from now on. */
  next(before: number, happens: () => Promise<void>): void {
    this.#left = before;
    this.#happens = happens;
  }

  begin(sql: string): void {
    if (sql === "BEGIN IMMEDIATE" && --this.#left === 0) {
      throw Object.assign(new Error("in the gap"), { code: "SQLITE_BUSY" });
    }
  }

  override async sleep(): Promise<void> {
    await this.#happens();
  }
}

async function two(generations: boolean) {
  const file = temporaryFile();
  const env = new Gap();
  const connect = () => watched(connection(file), (sql) => env.begin(sql));
  const mine = await open(file, { env, generations, connect });
  const others = await open(file, { env, generations });
  const until = () => env.now() + HOUR;
  const add = (catalog: typeof mine, generation: string, publish: () => Promise<void> = nothing) =>
    catalog.add("owner", "r", [{ placement: placed(generation), publish }], { until: until() });
  const condemn = async (catalog: typeof mine, generation: string) => {
    await catalog.release("owner");
    const items = [{ ...placed(generation), kind: "blob" as const }];
    expect(await catalog.condemn(items, { run: "run", until: env.now() })).toEqual([DIGEST]);
  };
  const purge = (catalog: typeof mine, erase: (all: readonly Placement[]) => Promise<readonly Digest[]>) =>
    catalog.purge(erase, { due: env.now() + HOUR, limit: 100 });
  return { file, env, mine, others, add, condemn, purge };
}

const all = async (items: readonly Placement[]) => items.map(({ digest }) => digest);

/** Whether anybody else could begin a transaction now. */
function isFree(file: string): boolean {
  const db = connection(file, { timeout: 0 });
  try {
    db.exec("BEGIN IMMEDIATE; ROLLBACK");
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: "SQLITE_BUSY" });
    return false;
  } finally {
    db.close();
  }
}

describe.each([
  ["one fixed name", false],
  ["a place of its own", true],
])("where each upload gets %s", (_, generations) => {
  test("nobody else has a transaction while bytes come to a fixed name, and everybody may while they come to one of their own", async () => {
    const { file, mine, add } = await two(generations);
    const seen: boolean[] = [];
    await add(mine, generations ? "1" : "", async () => void seen.push(isFree(file)));
    expect(seen).toEqual([generations]);
  });

  test("nobody else has a transaction while bytes leave a fixed name, and everybody may while they leave one of their own", async () => {
    const { file, mine, add, condemn, purge } = await two(generations);
    const generation = generations ? "1" : "";
    await add(mine, generation);
    await condemn(mine, generation);
    const seen: boolean[] = [];
    const { purged } = await purge(mine, async (items) => {
      seen.push(isFree(file));
      return all(items);
    });
    expect(purged.map(({ digest }) => digest)).toEqual([DIGEST]);
    expect(seen).toEqual([generations]);
  });
});

test("bytes that have come again under their fixed name since they were marked are not erased", async () => {
  const { env, mine, others, add, condemn, purge } = await two(false);
  await add(mine, "");
  await condemn(mine, "");
  const erased: Digest[] = [];
  let isAgain = false;
  env.next(2, async () => {
    isAgain = true;
    await add(others, "");
  });
  await purge(mine, async (items) => {
    erased.push(...(await all(items)));
    return all(items);
  });
  expect(isAgain).toBe(true);
  expect(erased).toEqual([]);
  expect(await mine.locate("r", DIGEST)).toMatchObject({ size: 3 });
});

test("the mark of another is not taken for one's own: what has been marked anew since stays written down", async () => {
  const { env, mine, others, add, condemn, purge } = await two(true);
  await add(mine, "1");
  await condemn(mine, "1");
  env.next(2, async () => {
    // It comes again, goes again, and who purges it dies before anything is erased.
    await add(others, "2");
    await condemn(others, "2");
    const died = new Error("died");
    await expect(purge(others, () => Promise.reject(died))).rejects.toThrow("died");
  });
  const erased: string[] = [];
  await purge(mine, async (items) => {
    erased.push(...items.map(({ generation }) => generation));
    return all(items);
  });
  // Forgotten with the first, the second would lie there for ever.
  expect(erased).toEqual(["1", "2"]);
});

test("bytes that were erased after it was looked for them are looked for once more", async () => {
  const { env, mine, others, add, condemn, purge } = await two(true);
  const there = new Set(["1"]);
  const publish = async () => {
    if (!there.has("1")) throw new Error("the bytes are gone");
  };
  await add(mine, "1");
  await condemn(mine, "1");
  env.next(1, async () => {
    await purge(others, async (items) => {
      for (const { generation } of items) there.delete(generation);
      return all(items);
    });
  });
  await expect(add(mine, "1", publish)).rejects.toThrow("the bytes are gone");
  expect(await mine.locate("r", DIGEST)).toBeUndefined();
});

test("what sleeps in the queue until its pin runs out wakes when the pin is taken away before that", async () => {
  const env = new ManualEnvironment();
  const { store } = await openWithMemory(temporaryFile(), env);
  const repository = store.repository("r");
  await repository.session(async (session) => {
    const blob = await session.putBlob(new Uint8Array(3));
    await repository.pin(blob, "held", { until: env.now() + 100 * HOUR });
  });
  env.advance(2 * HOUR);
  expect((await store.collect({ grace: HOUR })).removed).toBe(0);
  await repository.unpin("held");
  env.advance(2 * HOUR);
  expect((await store.collect({ grace: HOUR })).removed).toBe(1);
});
