import { type Dice, derived, dice } from "./chance.ts";
import { DOCUMENTS, type Document, KEPT } from "./content.ts";
import type { Operation } from "./operations.ts";
import * as op from "./operations.ts";
import type { Play } from "./play.ts";

const HOUR = 60 * 60_000;
const TAGS = ["a", "b", "c", "i", "x"];
const ROLES = ["pusher", "remover", "collector", "other"];

/** What two to four processes do, by chance; nothing of it depends on the schedule. */
export function workload(seed: number): Play {
  const d = dice(derived(seed, 1_000_000));
  const count = 2 + Math.floor(d.below(6) / 2.5);
  const isRough = d.chance(0.5);
  return {
    beginning: d.pick(["furnished", "furnished", "trash", "empty"] as const),
    scripts: ROLES.slice(0, count).map((name, number) => ({
      name,
      operations: Array.from({ length: 1 + d.below(count > 2 ? 2 : 3) }, () => operation(d, number)),
      restarts: d.chance(0.5),
    })),
    risks: isRough
      ? { deaths: d.below(3), faults: d.chance(0.5) ? 1 + d.below(2) : 0, jumps: d.chance(0.4) ? 1 + d.below(2) : 0 }
      : undefined,
  };
}

function operation(d: Dice, number: number): Operation {
  const roll = number < 3 && d.chance(0.6) ? number : 3;
  if (roll === 0) return pushing(d, number);
  if (roll === 1) return removing(d);
  if (roll === 2) return collecting(d);
  return d.pick([pushing, pushing, removing, removing, collecting, tagging, tagging, undoing, reading, caring])(
    d,
    number,
  );
}

function pushing(d: Dice, number: number): Operation {
  if (d.chance(0.15)) return op.keep(KEPT[number]!);
  const o = { ask: d.chance(0.4), ...(d.chance(0.2) && { slow: 1000 }), resume: d.chance(0.2) };
  return op.push(anyDocument(d), d.chance(0.7) ? d.pick(TAGS) : undefined, o);
}

function removing(d: Dice): Operation {
  const reference = d.chance(0.7) ? d.pick(TAGS) : anyDocument(d).digest;
  return op.remove(reference, {
    ...(d.chance(0.4) && { window: HOUR }),
    ...(d.chance(0.2) && { children: "keep" as const }),
    ...(d.chance(0.2) && { referrers: true }),
    ...(d.chance(0.3) && { pause: 1000 }),
  });
}

function collecting(d: Dice): Operation {
  return op.collect({ ...(d.chance(0.8) && { grace: 0 }), ...(d.chance(0.2) && { pause: 1000 }) });
}

function tagging(d: Dice): Operation {
  if (d.chance(0.15)) return d.chance(0.5) ? op.pin(anyDocument(d), "p") : op.unpin("p");
  return d.chance(0.5) ? op.tag(anyDocument(d), d.pick(TAGS)) : op.untag(d.pick(TAGS));
}

function undoing(d: Dice): Operation {
  return op.undo(d.pick([{}, { moved: "leave" } as const, { moved: "take" } as const]));
}

function reading(d: Dice): Operation {
  return op.read(d.pick(TAGS));
}

function caring(d: Dice): Operation {
  return d.pick([op.repair, op.emptyTrash, op.foresee]);
}

function anyDocument(d: Dice): Document {
  return d.pick(Object.values(DOCUMENTS));
}
