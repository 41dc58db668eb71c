import type { Digest } from "../../model/digest.ts";
import type { Links } from "./links.ts";

/**
 * Which untagged entries of a plain layout are roots of their own. There being listed is the only record of `own`, and
 * other tools list every manifest, so it is read off what the entries explain of each other:
 *
 * 1. an entry that no stored manifest names as content, and whose subject is not stored, is a root;
 * 2. any other is explained by what names it or what it refers to, unless that is not live without it (a referrer of what
 *    only this referrer keeps): then it is a root too. Nothing that is listed is ever garbage.
 *
 * @param unsettled In the order of the listing.
 * @param isLive By the roots known up to then, those yielded so far included.
 */
export function* listedOwn(
  unsettled: readonly Digest[],
  { parents, subjects }: Links,
  isLive: (digest: Digest) => boolean,
): Generator<Digest> {
  const explained: Digest[] = [];
  for (const digest of unsettled) {
    if (parents.has(digest) || subjects.has(digest)) explained.push(digest);
    else yield digest;
  }
  for (const digest of explained) {
    if (!isLive(digest)) yield digest;
  }
}
