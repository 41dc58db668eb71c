import { OciStoreError } from "@ocistore/core";
import { latin1 } from "./tar-header.ts";

const NEWLINE = 0x0a;
const SPACE = 0x20;

/**
 * The records of an extended header, `LENGTH KEY=VALUE\n` each; of several with one key the last counts.
 *
 * @throws `LAYOUT_INVALID`
 * @see https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_03
 */
export function parsePax(bytes: Uint8Array, at: number): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  const broken = () =>
    new OciStoreError("LAYOUT_INVALID", `the extended header at byte ${at} of the archive is damaged`);
  for (let start = 0; start < bytes.length; ) {
    const space = bytes.indexOf(SPACE, start);
    const digits = space === -1 ? "" : latin1(bytes.subarray(start, Math.min(space, start + 12)));
    const end = start + Number(digits);
    if (!/^[1-9]\d*$/.test(digits) || end > bytes.length || end <= space + 1 || bytes[end - 1] !== NEWLINE)
      throw broken();
    const record = latin1(bytes.subarray(space + 1, end - 1));
    const equals = record.indexOf("=");
    if (equals < 1) throw broken();
    records.set(record.slice(0, equals), record.slice(equals + 1));
    start = end;
  }
  return records;
}

/** Sorted by key, so that the same records make the same bytes. */
export function encodePax(records: Readonly<Record<string, string>>): Uint8Array {
  const lines = Object.entries(records)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => {
      const rest = ` ${key}=${value}\n`;
      // The length counts its own digits.
      let length = rest.length;
      while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
      return `${length}${rest}`;
    });
  return new TextEncoder().encode(lines.join(""));
}
