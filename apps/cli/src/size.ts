import { InvalidArgumentError } from "commander";

const UNITS = ["", "k", "m", "g", "t"];

/** `4096`, `500MB`, `2GiB`, in bytes. */
export function parseSize(text: string): number {
  const [, number, unit = "", binary] = /^(\d+(?:\.\d+)?)([kmgt]?)(i?)b?$/i.exec(text) ?? [];
  const bytes = Math.round(Number(number) * (binary ? 1024 : 1000) ** UNITS.indexOf(unit.toLowerCase()));
  if (!Number.isSafeInteger(bytes) || (binary && unit === ""))
    throw new InvalidArgumentError("a size is written 4096, 500MB or 2GiB.");
  return bytes;
}
