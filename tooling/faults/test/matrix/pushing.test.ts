import { expect, test } from "vitest";
import { inEveryCall } from "../../src/every-call.ts";
import { pushing } from "../../src/operations.ts";

test.each(inEveryCall(pushing))(
  "whichever file call fails, it says so, loses nothing and works again: %s",
  async (_, fails) => {
    expect(await fails()).toEqual([]);
  },
);
