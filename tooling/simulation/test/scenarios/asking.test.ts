import { describe, test } from "vitest";
import { RACED } from "../../src/backends.ts";
import { DOCUMENTS, SECOND } from "../../src/content.ts";
import * as op from "../../src/operations.ts";
import * as ask from "../../src/questions.ts";
import { raced } from "../../src/race.ts";

const { c, sc } = DOCUMENTS;
const MINUTE = 60_000;

describe.each(RACED)("%s", (_, backend) => {
  test("R14: two attach to one subject at once, and both are listed", async () => {
    await raced(backend, {
      beginning: "tagged",
      scripts: [
        { name: "first", operations: [ask.attach(sc)] },
        { name: "second", operations: [ask.attach(SECOND)] },
      ],
      race: [
        [
          ["first", "change begins"],
          ["second", "change is done"],
          ["first", "change is done"],
        ],
      ],
    });
  });

  test("R15: a collection comes while an upload stands still between two of its pieces", async () => {
    await raced(backend, {
      beginning: "empty",
      scripts: [
        { name: "pusher", operations: [op.push(c, "c", { halts: 30 * MINUTE })] },
        { name: "collector", operations: [op.collect({ grace: 0 })] },
      ],
      race: [
        [
          ["collector", "begins"],
          ["pusher", "sleep"],
          ["collector", "done"],
          ["pusher", "done"],
        ],
      ],
    });
  });

  test("R20: what was read before it was deleted is not found by its digest afterwards", async () => {
    await raced(backend, {
      beginning: "tagged",
      scripts: [
        { name: "remover", operations: [op.remove("c")] },
        { name: "reader", operations: [op.read("c"), op.wait(1), ask.lookUp(c, "c")] },
      ],
      race: [
        [
          ["reader", "done: read"],
          ["remover", "change is done"],
          ["reader", "done: look"],
        ],
      ],
    });
  });

  test("R21: what a process knows to be there has gone when it pushes again, and is sent again", async () => {
    const again = () => op.push(c, "c", { ask: true });
    await raced(backend, {
      beginning: "tagged",
      scripts: [
        { name: "pusher", operations: [again(), again()] },
        { name: "remover", operations: [op.remove("c")] },
      ],
      race: [
        [
          ["pusher", "done: push"],
          ["remover", "purge is done"],
          ["pusher", "add is done"],
        ],
      ],
    });
  });
});

// A layout is one repository.
describe.each(RACED.filter(([name]) => name !== "fs"))("%s", (_, backend) => {
  test("R18: a blob is mounted from a repository in which it is deleted", async () => {
    await raced(backend, {
      beginning: "tagged",
      scripts: [
        { name: "remover", operations: [op.remove("c")] },
        { name: "mounter", operations: [ask.mount("three")] },
      ],
      race: [
        [
          ["mounter", "claim is done"],
          ["remover", "change is done"],
          ["mounter", "done"],
        ],
        [
          ["mounter", "begins"],
          ["remover", "condemn is done"],
          ["mounter", "claim is done"],
        ],
      ],
    });
  });

  test("R19: what one repository has is found in no other, whatever happens to it meanwhile", async () => {
    await raced(backend, {
      beginning: "tagged",
      scripts: [
        { name: "remover", operations: [op.remove("c"), op.push(c, "c")] },
        { name: "stranger", operations: [ask.askElsewhere(c)] },
      ],
      race: [
        [
          ["remover", "condemn is done"],
          ["stranger", "claim is done"],
          ["remover", "done: push"],
        ],
      ],
    });
  });
});
