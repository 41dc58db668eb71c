/**
 * Whether a name fits a list of patterns: `*` is anything but a slash, `**` anything, `?` one character but a slash. The
 * last pattern that fits decides, and one with `!` before it takes the name out.
 */
export function fits(patterns: readonly string[]): (name: string) => boolean {
  const compiled = patterns.map((pattern) => ({
    takesOut: pattern.startsWith("!"),
    pattern: partsOf(pattern.replace(/^!/, "")),
  }));
  return (name) => compiled.reduce((isIn, { takesOut, pattern }) => (matches(pattern, name) ? !takesOut : isIn), false);
}

type Part = "*" | "**" | "?" | { readonly text: string };

function partsOf(pattern: string): readonly Part[] {
  return (pattern.match(/\*\*+|\*|\?|[^*?]+/g) ?? []).map((part): Part => {
    if (part.startsWith("**")) return "**";
    return part === "*" || part === "?" ? part : { text: part };
  });
}

/** Which positions of the name each part can end at. No way back, so no pattern can make it slow. */
function matches(parts: readonly Part[], name: string): boolean {
  let ends = new Set([0]);
  for (const part of parts) {
    const next = new Set<number>();
    for (const at of ends) {
      if (typeof part === "object") {
        if (name.startsWith(part.text, at)) next.add(at + part.text.length);
      } else if (part === "?") {
        if (at < name.length && name[at] !== "/") next.add(at + 1);
      } else {
        for (let end = at; !next.has(end); end++) {
          next.add(end);
          if (end === name.length || (part === "*" && name[end] === "/")) break;
        }
      }
    }
    ends = next;
  }
  return ends.has(name.length);
}
