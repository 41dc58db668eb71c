import { printable } from "@ocistore/core";
import { columnsOf } from "./columns.ts";

/** How a piece of a line looks on a terminal. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** A piece of a line. Its text is made printable where it is drawn, so that no name can reach a terminal raw. */
export type Segment = string | { readonly text: string; readonly style?: Style; readonly isSoft?: true };

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
/** Free text: the first to be cut where a terminal is too narrow for its line. */
export const soft = (text: string, style?: Style): Segment => ({ text, ...(style && { style }), isSoft: true });
export const dim = (text: string): Segment => styled("dim", text);
export const bold = (text: string): Segment => styled("bold", text);

export function drawLine(line: Line, colours: boolean): string {
  return line.map((segment) => drawSegment(segment, colours)).join("");
}

function drawSegment(segment: Segment, colours: boolean): string {
  const text = textOf(segment);
  if (!colours || text === "" || typeof segment === "string" || !segment.style) return text;
  const [on, off] = CODES[segment.style];
  return `\x1b[${on}m${text}\x1b[${off}m`;
}

/** Columns that it takes on a terminal. */
export function widthOf(segment: Segment): number {
  return columnsOf(textOf(segment));
}

export function isSoft(segment: Segment): boolean {
  return typeof segment !== "string" && segment.isSoft === true;
}

/** Another text, made of what would be drawn, and the same look. */
export function withText(segment: Segment, change: (text: string) => string): Segment {
  const text = change(textOf(segment));
  return typeof segment === "string" ? text : { ...segment, text };
}

function textOf(segment: Segment): string {
  return printable(typeof segment === "string" ? segment : segment.text);
}
