import { expect, test } from "vitest";
import { inEveryCall } from "../../src/every-call.ts";
import { collecting } from "../../src/operations.ts";

test.each(inEveryCall(collecting))(
  "whichever file call fails, it says so, loses nothing and works again: %s",
  async (_, fails) => {
    expect(await fails()).toEqual([]);
  },
);
