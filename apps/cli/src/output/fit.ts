import { beginning, fitted } from "./columns.ts";
import { isSoft, type Line, type Segment, widthOf, withText } from "./line.ts";

/** What is soft keeps as much as this; the second only where all of the line can be seen then. */
const KEPT = [16, 8] as const;

/** Takes from the widths of what is soft, from the last one first, until their sum is no more than `room`. */
export function shrunk(widths: readonly number[], soft: readonly boolean[], room: number): readonly number[] {
  const tries = KEPT.map((kept) => given(widths, soft, room, kept));
  return tries.find((each) => sum(each) <= room) ?? tries[0]!;
}

function given(widths: readonly number[], soft: readonly boolean[], room: number, kept: number): number[] {
  const left = [...widths];
  let over = sum(left) - room;
  for (let at = left.length - 1; at >= 0 && over > 0; at--) {
    if (!soft[at]) continue;
    const taken = Math.min(over, Math.max(left[at]! - kept, 0));
    left[at]! -= taken;
    over -= taken;
  }
  return left;
}

/** A line that takes no more than `room` columns: what is soft is cut first, then what stands at the end. */
export function fitLine(line: Line, room: number): Line {
  const widths = line.map(widthOf);
  if (sum(widths) <= room) return line;
  const left = shrunk(widths, line.map(isSoft), room);
  return ended(
    line.map((segment, at) => cut(segment, left[at]!)),
    room,
  );
}

/** A piece of a line in no more than so many columns. */
export function cut(segment: Segment, room: number): Segment {
  return withText(segment, (text) => fitted(text, room));
}

function ended(line: Line, room: number): Line {
  if (sum(line.map(widthOf)) <= room) return line;
  const kept: Segment[] = [];
  let left = room - 1;
  for (const segment of line) {
    const width = widthOf(segment);
    kept.push(width <= left ? segment : withText(segment, (text) => beginning(text, left)));
    if (width > left) break;
    left -= width;
  }
  return [...kept, "…"];
}

function sum(widths: readonly number[]): number {
  return widths.reduce((all, each) => all + each, 0);
}
