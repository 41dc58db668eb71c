// JSON.stringify leaves DEL, the C1 controls and the bidi controls as they are, and a terminal may be looking. Such a
// character can only be inside a string, where its escape is the same string.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** One line of JSON, exact, with nothing in it that a terminal would obey. */
export function jsonLine(value: object): string {
  return JSON.stringify(value).replace(UNSEEN, escaped);
}

function escaped(character: string): string {
  let text = "";
  for (let at = 0; at < character.length; at++) {
    text += `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`;
  }
  return text;
}
