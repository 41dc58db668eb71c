import columnsOf from "string-width";

/** Columns of a terminal that printable text takes: two for a wide character, none for a mark that joins the one before it. */
export { columnsOf };

const characters = new Intl.Segmenter();

/** The text if it takes no more than so many columns, else as much of it as does, and an ellipsis. */
export function fitted(text: string, room: number): string {
  if (columnsOf(text) <= room) return text;
  return room < 1 ? "" : `${beginning(text, room - 1)}…`;
}

/** As much of it as takes no more than so many columns. What is one character to a reader is never cut. */
export function beginning(text: string, room: number): string {
  let width = 0;
  for (const { segment, index } of characters.segment(text)) {
    width += columnsOf(segment);
    if (width > room) return text.slice(0, index);
  }
  return text;
}
