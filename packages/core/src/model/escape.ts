// Controls, format characters (bidi overrides, zero-width ones), lone surrogates, line and paragraph separators, and
// whatever Unicode says is to be drawn as nothing.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Text from a store, made fit for a terminal: every control, bidi or invisible character is written as `\u{…}`. What is
 * printable already comes back as it is, so doing it twice does no harm.
 */
export function printable(text: string): string {
  return text.replace(UNSEEN, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

const LONGEST = 120;

/** A string from outside, quoted for an error message: printable, and cut if it is long. */
export function quoted(text: string): string {
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return printable(JSON.stringify(short));
}
