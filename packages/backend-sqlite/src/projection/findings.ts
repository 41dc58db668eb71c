import type { Finding, ReadListing } from "@ocistore/core";
import type { Tables } from "../tables/tables.ts";
import { entriesOf, entryOf } from "./entries.ts";
import { headsOf, listingRow, oursOf } from "./record.ts";
import { LAYOUT, wantedOf } from "./wanted.ts";

/** How a listing that has just been looked at differs from the catalog. What is about to be written is no difference. */
export function listingFindings(tables: Tables, file: ReadListing): readonly Finding[] {
  const row = listingRow(tables);
  if (!row) return [];
  const { aside, fault } = row;
  const findings: Finding[] = aside.map((key): Finding => {
    const { digest, name } = entryOf(key);
    const namedBy = name === undefined ? "index.json" : `tag ${name}`;
    const about = { level: "error", repository: LAYOUT, digest, namedBy } as const;
    if (!fault?.startsWith(digest)) {
      return { ...about, code: "dangling", message: `${namedBy} is on content that is not stored` };
    }
    return { ...about, code: "unreadable", message: `nothing is taken away while it is listed: ${fault}` };
  });
  if (fault !== undefined && !aside.some((key) => fault.startsWith(entryOf(key).digest))) {
    findings.push({ level: "error", code: "layout", message: `nothing is taken away while it is there: ${fault}` });
  }
  const isOurs = oursOf(headsOf(tables)).ours.some(({ hash }) => hash === file.hash);
  if (!isOurs || row.changes !== row.written) return findings;

  const [listed, wanted] = [entriesOf(file), entriesOf(wantedOf(tables, file, aside))];
  const differ = (key: string, message: string): Finding => {
    const { digest, name } = entryOf(key);
    const about = { digest, ...(name !== undefined && { namedBy: `tag ${name}` }) };
    return { level: "error", code: "listing", repository: LAYOUT, ...about, message };
  };
  for (const key of wanted) if (!listed.has(key)) findings.push(differ(key, "index.json does not list it"));
  for (const key of listed) if (!wanted.has(key)) findings.push(differ(key, "index.json lists it, and should not"));
  return findings;
}
