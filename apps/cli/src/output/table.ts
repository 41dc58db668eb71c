import { cut, shrunk } from "./fit.ts";
import { type Line, type Segment, styled, widthOf } from "./line.ts";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** Free text: the first to be cut where a terminal is too narrow, the last such column before the others. */
  readonly isSoft?: true;
}

const GAP = "  ";

/** Rows under their titles, each column as wide as its widest cell, if `room` columns are enough for that. */
export function* tableLines(
  columns: readonly Column[],
  rows: readonly (readonly Segment[])[],
  room = Number.POSITIVE_INFINITY,
): Generator<Line> {
  const titles = columns.map(({ title }) => styled("dim", title));
  const widths = shrunk(
    titles.map((title, at) => rows.reduce((width, row) => Math.max(width, widthOf(row[at] ?? "")), widthOf(title))),
    columns.map(({ isSoft }) => isSoft === true),
    room - GAP.length * (columns.length - 1),
  );
  yield drawRow(titles);
  for (const row of rows) yield drawRow(row);

  function drawRow(cells: readonly Segment[]): Line {
    return columns.flatMap(({ align }, at): Segment[] => {
      const cell = cut(cells[at] ?? "", widths[at]!);
      const padding = " ".repeat(widths[at]! - widthOf(cell));
      const gap = at === 0 ? "" : GAP;
      if (align === "right") return [gap + padding, cell];
      return at === columns.length - 1 ? [gap, cell] : [gap, cell, padding];
    });
  }
}
