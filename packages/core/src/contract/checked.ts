import type { Policy } from "./catalog.ts";
import type { Ms } from "./environment.ts";
import { checkedRetention } from "./retention.ts";

/**
 * A time, or a length of time, from a caller: whole milliseconds, 0 or more. What is kept in a store must be readable by the
 * next process, and neither infinity nor a fraction is.
 *
 * @throws TypeError
 */
export function checkedTime(value: Ms, what: string): Ms {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`${what} is a whole number of milliseconds, 0 or more, and not ${String(value)}`);
}

/** @throws TypeError */
export function checkedPolicy({ grace, window, wait, untagged, retention }: Policy): Policy {
  return {
    grace: checkedTime(grace, "grace"),
    window: checkedTime(window, "window"),
    wait: checkedTime(wait, "wait"),
    ...(untagged !== undefined && { untagged: checkedTime(untagged, "untagged") }),
    ...(retention !== undefined && { retention: checkedRetention(retention) }),
  };
}
