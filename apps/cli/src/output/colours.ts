/** Values of `FORCE_COLOR` that ask for colours; to us they are one. */
const FORCED: readonly string[] = ["", "1", "2", "3", "true"];

/**
 * Whether what is written there may have colours. `FORCE_COLOR` comes before all else, as it does for Node itself.
 *
 * @see https://nodejs.org/api/tty.html#writestreamgetcolordepthenv
 * @see https://no-color.org
 */
export function wantsColours(
  stream: { readonly isTTY?: boolean },
  { FORCE_COLOR, NO_COLOR, TERM }: Readonly<Record<string, string | undefined>>,
): boolean {
  if (FORCE_COLOR !== undefined) return FORCED.includes(FORCE_COLOR);
  return !NO_COLOR && TERM !== "dumb" && stream.isTTY === true;
}
