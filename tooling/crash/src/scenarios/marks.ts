import type { Policy, Repository } from "@ocistore/core";
import { FURNISHED, furnish } from "../furnish.ts";
import type { Scenario, Step } from "../scenario.ts";
import type { State } from "../state.ts";
import { HOUR } from "../world.ts";

const step = (name: string, after: State, work: (repository: Repository) => Promise<unknown>): Step => ({
  name,
  after,
  run: async (process) => work((await process.store()).repository()),
});

const prepare: Scenario["prepare"] = async (place) => void (await furnish(place));

const { tags } = FURNISHED;
const { v1: _, ...untagged } = tags;
const PINNED: State = { ...FURNISHED, pins: { release: "v1" } };
const POLICY: Policy = { grace: 2 * HOUR, window: HOUR, wait: 0, untagged: 24 * HOUR };

export const marks: readonly Scenario[] = [
  {
    name: "tag",
    before: FURNISHED,
    prepare,
    steps: [step("a new tag", { ...FURNISHED, tags: { ...tags, also: "v1" } }, (r) => r.tag("v1", "also"))],
  },
  {
    name: "move a tag",
    before: FURNISHED,
    prepare,
    // What it was on is garbage from now on, and has its grace.
    steps: [
      step("from one to the other", { ...FURNISHED, tags: { ...tags, v1: "v2" }, stored: ["v1"] }, (r) =>
        r.tag("v2", "v1"),
      ),
    ],
  },
  {
    name: "untag",
    before: FURNISHED,
    prepare,
    steps: [
      step("an image", { ...FURNISHED, tags: untagged, stored: ["v1"] }, (r) => r.untag("v1")),
      step(
        "an index with all that only it explained",
        { ...FURNISHED, tags: { v2: "v2" }, referrers: [], stored: ["v1", "multi", "signature"] },
        (r) => r.untag("multi"),
      ),
    ],
  },
  {
    name: "pin and unpin",
    before: FURNISHED,
    prepare,
    steps: [
      step("pin", PINNED, (r) => r.pin("v1", "release")),
      step("untag what is pinned", { ...PINNED, tags: untagged }, (r) => r.untag("v1")),
      step("move the pin", { ...FURNISHED, tags: untagged, pins: { release: "v2" } }, (r) => r.pin("v2", "release")),
      step("unpin", { ...FURNISHED, tags: untagged }, (r) => r.unpin("release")),
    ],
  },
  {
    name: "a new policy",
    before: FURNISHED,
    prepare,
    steps: [
      {
        name: "set",
        after: { ...FURNISHED, policy: POLICY },
        run: async (process) => (await process.store()).setPolicy(POLICY),
      },
    ],
  },
];
