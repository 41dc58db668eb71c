import { quoted } from "@ocistore/core";
import { refused } from "./errors.ts";

/** What the name of a file is kept under, in the descriptor of its layer. */
export const TITLE = "org.opencontainers.image.title";

/** As most file systems have it, in bytes. */
const LONGEST = { name: 255, path: 4096 } as const;

/**
 * What Windows opens in place of a file: whatever the extension, and in any directory.
 *
 * @see https://learn.microsoft.com/windows/win32/fileio/naming-a-file#naming-conventions
 */
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)/i;

/** Why a title is no path below a directory, on any system; `undefined` if it is one. It may have directories: `a/b.txt`. */
export function titleProblem(title: string): string | undefined {
  if (title === "") return "it is empty";
  if (/[\p{Cc}\p{Cs}]/u.test(title)) return "it has control characters";
  if (title.includes("\\")) return "it has a backslash";
  if (/^[A-Za-z]:/.test(title)) return "it starts with the letter of a drive";
  if (title.startsWith("/")) return "it starts at the root";
  const names = title.split("/");
  if (names.includes("..")) return "it leads out of the directory";
  if (names.includes("") || names.includes(".")) return "it has a part that is no name";
  const unfit = /[<>:"|?*]/.exec(title)?.[0];
  if (unfit) return `no name has a ${unfit} on Windows`;
  if (names.some((name) => /[. ]$/.test(name))) return "a name on Windows does not end in a dot or a space";
  if (names.some((name) => DEVICE.test(name))) return "it is the name of a device on Windows";
  const isLong = names.some((name) => Buffer.byteLength(name) > LONGEST.name);
  return isLong || Buffer.byteLength(title) > LONGEST.path ? "it is too long" : undefined;
}

/**
 * Every title has to be a path below the directory, and no two of them one file, or one file and one directory, where case
 * and the composition of letters do not count.
 *
 * @throws REFUSED
 */
export function checkTitles(titles: readonly string[]): void {
  const files = new Map<string, string>();
  for (const title of titles) {
    const problem = titleProblem(title);
    if (problem) throw refused(`the title ${quoted(title)} names no file here: ${problem}`);
    const other = files.get(folded(title));
    if (other !== undefined) throw refused(`${quoted(other)} and ${quoted(title)} are titles of one file`);
    files.set(folded(title), title);
  }
  for (const title of titles) {
    for (let slash = title.indexOf("/"); slash !== -1; slash = title.indexOf("/", slash + 1)) {
      const file = files.get(folded(title.slice(0, slash)));
      if (file !== undefined) throw refused(`${quoted(file)} is to be a file, and a directory for ${quoted(title)}`);
    }
  }
}

function folded(title: string): string {
  return title.normalize("NFC").toUpperCase().toLowerCase().normalize("NFC");
}
