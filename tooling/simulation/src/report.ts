import type { Schedule } from "./decisions.ts";
import type { Outcome } from "./play.ts";

/** What there is to say of a run that has failed: why, the way there, and how to have it again. */
export function report(outcome: Outcome, o: { readonly title: string; readonly again: string }): string {
  const { failure, trace } = outcome;
  const text = failure instanceof Error ? (failure.stack ?? String(failure)) : String(failure);
  return [`${o.title}: ${text}`, "", String(trace), "", `again: ${o.again}`].join("\n");
}

/** `question:answer,…` */
export function written(schedule: Schedule): string {
  return [...schedule].map(([at, answer]) => `${at}:${answer}`).join(",");
}

export function parsed(text: string): Schedule {
  const pairs = text.split(",").filter((pair) => pair !== "");
  return new Map(pairs.map((pair) => pair.split(":").map(Number) as [number, number]));
}
