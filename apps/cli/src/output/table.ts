import { type Line, type Segment, styled, widthOf } from "./line.ts";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

const GAP = "  ";

/** Rows under their titles, each column as wide as its widest cell. */
export function* tableLines(columns: readonly Column[], rows: readonly (readonly Segment[])[]): Generator<Line> {
  const widths = columns.map(({ title }, at) =>
    rows.reduce((width, row) => Math.max(width, widthOf(row[at] ?? "")), title.length),
  );
  yield drawRow(columns.map(({ title }) => styled("dim", title)));
  for (const row of rows) yield drawRow(row);

  function drawRow(cells: readonly Segment[]): Line {
    return columns.flatMap(({ align }, at): Segment[] => {
      const cell = cells[at] ?? "";
      const padding = " ".repeat(widths[at]! - widthOf(cell));
      const gap = at === 0 ? "" : GAP;
      if (align === "right") return [gap + padding, cell];
      return at === columns.length - 1 ? [gap, cell] : [gap, cell, padding];
    });
  }
}
