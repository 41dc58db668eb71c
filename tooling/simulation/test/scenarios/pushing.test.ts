import { describe, test } from "vitest";
import { RACED } from "../../src/backends.ts";
import { DOCUMENTS } from "../../src/content.ts";
import { Violation } from "../../src/model.ts";
import * as op from "../../src/operations.ts";
import { raced } from "../../src/race.ts";

const { a, c, i, sc } = DOCUMENTS;
/** By the name that it has from its digest. */
const UPLOAD = /sha256-/;

describe.each(RACED)("%s", (_, backend) => {
  test("R8: a manifest is tagged while it is deleted by its digest", async () => {
    await raced(backend, {
      beginning: "tagged",
      scripts: [
        { name: "remover", operations: [op.remove(c.digest)] },
        { name: "tagger", operations: [op.tag(c, "x")] },
      ],
      race: [
        [
          ["remover", "graph is done"],
          ["tagger", "change is done"],
          ["remover", /answered IN_USE/],
        ],
        [
          ["tagger", "change begins"],
          ["remover", "change is done"],
          ["tagger", /answered NOT_FOUND/],
        ],
      ],
    });
  });

  test("R9: a tag is moved while it is deleted, or taken away", async () => {
    await raced(backend, {
      beginning: "tagged",
      scripts: [
        { name: "remover", operations: [op.remove("c"), op.untag("b")] },
        { name: "tagger", operations: [op.tag(a, "c"), op.tag(a, "b")] },
      ],
      race: [
        [
          ["remover", "graph is done"],
          ["tagger", "change is done"],
          ["remover", /answered CONFLICT/],
        ],
      ],
    });
  });

  test("R10: two processes set tags, each its own", async () => {
    await raced(backend, {
      beginning: "tagged",
      scripts: [
        { name: "first", operations: [op.tag(a, "x"), op.tag(c, "y")] },
        { name: "second", operations: [op.tag(a, "z"), op.untag("b")] },
      ],
      race: [
        [
          ["first", "change begins"],
          ["second", "change begins"],
          ["first", "change is done"],
          ["second", "change is done"],
        ],
      ],
      preemptions: 2,
    });
  });

  test("R11: who has read the tags before another has set one does not write it over", async () => {
    await raced(backend, {
      beginning: "tagged",
      scripts: [
        { name: "early", operations: [op.read("a"), op.tag(c, "x")] },
        { name: "late", operations: [op.tag(c, "y")] },
      ],
      race: [
        [
          ["early", "done: read"],
          ["late", "change is done"],
          ["early", "change is done"],
        ],
      ],
    });
  });

  test("R12: a referrer comes while its subject is deleted", async () => {
    await raced(backend, {
      beginning: "tagged",
      scripts: [
        { name: "remover", operations: [op.remove("c")] },
        { name: "attacher", operations: [op.push(sc, "s")] },
      ],
      race: [
        [
          ["remover", "graph is done"],
          ["attacher", "change is done"],
          ["remover", "change begins"],
        ],
        [
          ["remover", "change is done"],
          ["attacher", "change is done"],
          ["remover", "purge is done"],
        ],
      ],
    });
  });

  test("R13: a referrer is tagged while it goes with its subject", async () => {
    await raced(backend, {
      beginning: "signed",
      scripts: [
        { name: "remover", operations: [op.remove("c")] },
        { name: "tagger", operations: [op.tag(sc, "s")] },
      ],
      race: [
        [
          ["remover", "graph is done"],
          ["tagger", "change is done"],
          ["remover", "change begins"],
        ],
      ],
    });
  });

  test("R16: two write to one upload", async () => {
    const resumed = () => [op.push(c, "c", { resume: true })];
    await raced(backend, {
      beginning: "empty",
      scripts: [
        { name: "first", operations: resumed() },
        { name: "second", operations: resumed() },
      ],
      race: [
        [
          ["first", UPLOAD],
          ["second", UPLOAD],
          ["first", UPLOAD],
        ],
      ],
    });
  });

  test("R17: an upload is ended again, its answer having been lost", async () => {
    await raced(backend, {
      beginning: "empty",
      scripts: [{ name: "pusher", operations: [op.push(c, "c", { resume: true }), op.push(c, "c", { resume: true })] }],
      risks: { deaths: 0, faults: 1, jumps: 0 },
      preemptions: 0,
      mishaps: 1,
      race: [
        [
          ["pusher", /^(commit|rename|publish).* is done, and fails/],
          ["pusher", "done: push c"],
        ],
      ],
    });
  });

  test("R32: a blob is read while it is deleted", async () => {
    await raced(backend, {
      beginning: "tagged",
      scripts: [
        { name: "remover", operations: [op.remove("c")] },
        { name: "reader", operations: [op.read("c")] },
      ],
      race: [
        [
          ["reader", "begins"],
          ["remover", "purge is done"],
          ["reader", /NOT_FOUND|done/],
        ],
      ],
    });
  });

  test("R33: the last blob goes while the first comes", async () => {
    await raced(backend, {
      beginning: "empty",
      scripts: [
        { name: "pusher", operations: [op.push(c, "c")] },
        { name: "remover", operations: [op.push(a, "a"), op.remove("a")] },
      ],
      race: [
        [
          ["remover", "purge is done"],
          ["pusher", "add is done"],
        ],
      ],
    });
  });

  test("R34: indexes nested 40 levels deep, 2 to the 40 paths, are read while they are deleted and collected", async () => {
    await raced(backend, {
      beginning: "deep",
      scripts: [
        { name: "remover", operations: [op.remove("top")] },
        { name: "reader", operations: [op.read("top")] },
        { name: "collector", operations: [op.collect({ grace: 0 })] },
      ],
      preemptions: 0,
      race: [[["remover", "purge is done"]]],
    });
  });

  test("R35: a dry run changes nothing, whatever runs beside it", async () => {
    const changing =
      /^(replace|rename|link|unlink|mkdir|rmdir|touch|chmod|write|truncate|upload|publish|delete|lock|transaction)\b/;
    await raced(backend, {
      beginning: "tagged",
      scripts: [
        { name: "planner", operations: [op.foresee] },
        { name: "remover", operations: [op.remove("i"), op.push(i, "i")] },
      ],
      race: [
        [
          ["planner", "begins"],
          ["remover", "change is done"],
          ["planner", "done"],
        ],
      ],
      always: ({ trace }) => {
        for (const { process, kind, text } of trace.entries) {
          if (process === "planner" && kind === "call" && changing.test(text))
            throw new Violation(`a dry run: ${text}`);
        }
      },
    });
  });
});
