import { InvalidArgumentError } from "commander";

const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const NAMES = [
  ["d", UNITS.d],
  ["h", UNITS.h],
  ["m", UNITS.m],
  ["s", UNITS.s],
] as const;

/** More is a slip of the pen, and would not fit beside a time. */
const LONGEST = 36_500 * UNITS.d;

/** `0`, `90s`, `15m`, `1h`, `7d`, `2w`, in milliseconds. */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  const [, number, unit] = /^(\d{1,9})([smhdw])$/.exec(text) ?? [];
  const ms = Number(number) * (UNITS[unit as keyof typeof UNITS] ?? Number.NaN);
  if (!(ms <= LONGEST)) throw new InvalidArgumentError("a duration is written 0, 90s, 15m, 1h, 7d or 2w.");
  return ms;
}

/** The largest unit in which it is a whole number: `90m`, `24h` is `1d`; below a second `ms`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0";
  for (const [name, unit] of NAMES) if (ms % unit === 0) return `${ms / unit}${name}`;
  return ms < UNITS.s ? `${ms}ms` : `${Math.round(ms / UNITS.s)}s`;
}

/** Roughly, for a column: `4s`, `12m`, `3h`, `9d`. */
export function formatAge(ms: number): string {
  for (const [name, unit] of NAMES) if (ms >= unit) return `${Math.floor(ms / unit)}${name}`;
  return "0s";
}
