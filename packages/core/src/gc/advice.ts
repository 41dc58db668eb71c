import type { Finding } from "../contract/finding.ts";

const REBUILD = "rebuild the catalog from what is stored";
const ADVICE: { readonly [code in Finding["code"]]?: string } = {
  missing: "repair with a source that has it, or push it again after a repair",
  dangling: "push it again, repair with a source that has it, or delete it",
  corrupt: "repair, with a source that has it if there is one; without one it is set aside, and can be pushed again",
  edges: REBUILD,
  catalog: REBUILD,
  listing: "repair",
};

/** With what to do about it. */
export function advised(finding: Finding): Finding {
  const { level, code } = finding;
  if (finding.advice !== undefined || level === "note") return finding;
  const advice =
    code === "unrecorded"
      ? level === "error"
        ? REBUILD
        : "a collection takes them; if they are wanted, push them again or rebuild the catalog from what is stored"
      : ADVICE[code];
  return advice === undefined ? finding : { ...finding, advice };
}
