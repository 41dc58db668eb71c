/** A protection of ours, taken away in one place. A test has to notice. */
export interface Mutant {
  readonly id: string;
  /** What the code there protects, and from what. */
  readonly protects: string;
  /** From the root of the repository. */
  readonly file: string;
  /** The text that is changed. Once in the file, or the first after `after`, which is there once. */
  readonly text: string;
  readonly after?: string;
  /** What stands there instead. */
  readonly instead: string;
  /** Where `text` goes, for a change of order: right behind this, which is found in the same way. */
  readonly movedBehind?: string;
  /** The test that fails then: its file, and words of its title. */
  readonly killedBy: readonly [file: string, title: string];
  /** Where that test is written, if it is run from another file. */
  readonly writtenAs?: readonly [file: string, title: string];
}

/** @throws if the patch does not apply any more. */
export function mutated(source: string, mutant: Mutant): string {
  const { id, text, instead, movedBehind } = mutant;
  const { from, start, end } = patched(source, mutant);
  const without = source.slice(0, start) + instead + source.slice(end);
  if (movedBehind === undefined) return without;
  const behind = place(without, movedBehind, id, from) + movedBehind.length;
  return without.slice(0, behind) + text + without.slice(behind);
}

/** What the patch takes away. @throws if it does not apply any more. */
export function patched(source: string, { id, text, after }: Mutant) {
  const from = after === undefined ? undefined : place(source, after, id) + after.length;
  const start = place(source, text, id, from);
  return { from, start, end: start + text.length };
}

function place(source: string, text: string, id: string, from?: number): number {
  const at = source.indexOf(text, from);
  if (at < 0) throw new Error(`${id}: does not apply any more, there is no ${JSON.stringify(text)}`);
  const isClear = from !== undefined || source.indexOf(text, at + 1) < 0;
  if (!isClear) throw new Error(`${id}: ${JSON.stringify(text)} is there twice`);
  return at;
}
