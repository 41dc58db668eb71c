import { describe, test } from "vitest";
import { RACED } from "../../src/backends.ts";
import { DOCUMENTS } from "../../src/content.ts";
import * as op from "../../src/operations.ts";
import { raced } from "../../src/race.ts";

const { a, c, i, j } = DOCUMENTS;
const MINUTE = 60_000;
const collector = { name: "collector", operations: [op.collect({ grace: 0 })] };

/** It knows what it wants to take: by a mark of all that is listed, or by the queue of the catalog. */
const LOOKED = /^(list|candidates) is done/;

describe.each(RACED)("%s", (_, backend) => {
  test("R1: a manifest over an old blob that nothing names is pushed between mark and sweep", async () => {
    await raced(backend, {
      beginning: "furnished",
      scripts: [{ name: "pusher", operations: [op.push(c, "c")] }, collector],
      race: [
        [
          ["collector", LOOKED],
          ["pusher", "change is done"],
          ["collector", "condemn begins"],
        ],
      ],
    });
  });

  test("R2: what a client has asked for and is not sending is collected before its manifest comes", async () => {
    await raced(backend, {
      beginning: "furnished",
      scripts: [{ name: "pusher", operations: [op.push(j, "j", { ask: true })] }, collector],
      race: [
        [
          ["pusher", "claim is done"],
          ["collector", "done"],
          ["pusher", "change begins"],
        ],
      ],
    });
  });

  test("R3: a push finds its blob, which a sweep has chosen before", async () => {
    await raced(backend, {
      beginning: "furnished",
      scripts: [{ name: "pusher", operations: [op.push(c, "c")] }, collector],
      race: [
        [
          ["collector", LOOKED],
          ["pusher", "claim is done"],
          ["collector", "condemn begins"],
        ],
      ],
    });
  });

  test("R4: a blob is claimed between the last look at it and its end", async () => {
    await raced(backend, {
      beginning: "furnished",
      scripts: [{ name: "pusher", operations: [op.push(c, "c")] }, collector],
      race: [
        [
          ["collector", "condemn is done"],
          ["pusher", "claim is done"],
          ["collector", "purge is done"],
        ],
      ],
    });
  });

  test("R5: a push takes longer than any grace between its blobs and its manifest", async () => {
    await raced(backend, {
      beginning: "empty",
      scripts: [
        { name: "pusher", operations: [op.push(c, "c", { slow: 50 * MINUTE })] },
        { name: "collector", operations: [op.collect({ grace: 0 }), op.collect()] },
      ],
      race: [
        [
          ["pusher", "sleep"],
          ["collector", LOOKED],
          ["pusher", "done"],
        ],
        [
          ["collector", LOOKED],
          ["pusher", "sleep"],
          ["collector", LOOKED],
        ],
      ],
    });
  });

  test("R6: children that came by digest are collected by age before their index comes", async () => {
    await raced(backend, {
      beginning: "empty",
      scripts: [
        { name: "pusher", operations: [op.push(i, "i")] },
        { name: "collector", operations: [op.collect({ grace: 0, untagged: 0 })] },
      ],
      race: [
        [
          ["pusher", "change is done"],
          ["collector", "purge is done"],
          ["pusher", "change is done"],
        ],
      ],
    });
  });

  test("R7: a tag moves to what was garbage when the store was marked", async () => {
    await raced(backend, {
      beginning: "furnished",
      scripts: [{ name: "mover", operations: [op.tag(c, "a")] }, collector],
      race: [
        [
          ["collector", LOOKED],
          ["mover", "change is done"],
          ["collector", "condemn begins"],
        ],
      ],
    });
  });

  test("R22: two collect at once", async () => {
    await raced(backend, {
      beginning: "furnished",
      scripts: [collector, { name: "second", operations: [op.collect({ grace: 0 })] }],
      race: [
        [
          ["collector", "lease is done"],
          ["second", /answered LOCKED/],
          ["collector", "done"],
        ],
      ],
    });
  });

  test("R23: a collector is killed at any of its calls, and another goes on", async () => {
    await raced(backend, {
      beginning: "furnished",
      scripts: [
        { name: "collector", operations: [op.collect({ grace: 0 }), op.push(c, "c")], restarts: true },
        { name: "reader", operations: [op.read("a")] },
      ],
      risks: { deaths: 1, faults: 0, jumps: 0 },
      preemptions: 0,
      mishaps: 1,
      race: [
        [
          ["collector", "condemn begins"],
          ["collector", "is killed"],
          ["collector.1", "done"],
        ],
        [
          ["collector", "purge begins"],
          ["collector", "is killed"],
          ["collector.1", "done"],
        ],
      ],
    });
  });

  test("R24: a collector that stood still for longer than its lease goes on with an old mark", async () => {
    await raced(backend, {
      beginning: "furnished",
      scripts: [
        { name: "second", operations: [op.wait(3 * MINUTE), op.collect({ grace: 0 }), op.push(c, "c")] },
        collector,
      ],
      race: [
        [
          ["collector", LOOKED],
          ["second", "done: push"],
          ["collector", /answered CONFLICT/],
        ],
      ],
    });
  });

  test("R28: the clock of a collector jumps forward, or back, while others push", async () => {
    await raced(backend, {
      beginning: "furnished",
      scripts: [
        { name: "collector", operations: [op.collect()] },
        { name: "pusher", operations: [op.push(c, "c")] },
      ],
      risks: { deaths: 0, faults: 0, jumps: 1 },
      preemptions: 0,
      mishaps: 1,
      race: [
        [
          ["collector", "the clock moves by 61"],
          ["pusher", "done"],
        ],
        [
          ["collector", "the clock moves by -60"],
          ["pusher", "done"],
        ],
        [
          ["pusher", "the clock moves by 61"],
          ["pusher", "done"],
        ],
      ],
    });
  });

  test("R30: a collector cannot read something while it marks", async () => {
    await raced(backend, {
      beginning: "furnished",
      scripts: [collector],
      risks: { deaths: 0, faults: 1, jumps: 0 },
      preemptions: 0,
      mishaps: 1,
      race: [
        [
          ["collector", "graph begins"],
          ["collector", / fails with /],
          ["collector", / is answered (UNAVAILABLE|CORRUPT)/],
        ],
      ],
    });
  });

  test("R31: what is of a type that nobody knows comes while a collection runs", async () => {
    await raced(backend, {
      beginning: "furnished",
      scripts: [{ name: "pusher", operations: [op.push(DOCUMENTS.u, "u"), op.push(a, "x")] }, collector],
      race: [
        [
          ["collector", LOOKED],
          ["pusher", "change is done"],
          ["collector", "condemn begins"],
        ],
        [
          ["pusher", "done: push u"],
          ["collector", "graph begins"],
        ],
      ],
    });
  });
});
