/** Whether a word names a run rather than a place. A directory of such a name can be written `./…` or `oci:…`. */
export function isRunId(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text);
}
