import { printable } from "@ocistore/core";

/** How a piece of a line looks on a terminal. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** A piece of a line. Its text is made printable where it is drawn, so that no name can reach a terminal raw. */
export type Segment = string | { readonly text: string; readonly style: Style };

export type Line = readonly Segment[];

const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

export const styled = (style: Style, text: string): Segment => ({ text, style });
export const dim = (text: string): Segment => styled("dim", text);
export const bold = (text: string): Segment => styled("bold", text);

export function drawLine(line: Line, colours: boolean): string {
  return line.map((segment) => drawSegment(segment, colours)).join("");
}

function drawSegment(segment: Segment, colours: boolean): string {
  if (typeof segment === "string") return printable(segment);
  const text = printable(segment.text);
  if (!colours || text === "") return text;
  const [on, off] = CODES[segment.style];
  return `\x1b[${on}m${text}\x1b[${off}m`;
}

/** Columns that it takes: as many as it has characters once it is printable. */
export function widthOf(segment: Segment): number {
  return [...printable(typeof segment === "string" ? segment : segment.text)].length;
}
