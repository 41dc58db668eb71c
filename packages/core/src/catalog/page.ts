import type { Page } from "../contract/catalog.ts";

/** What comes after `after`, at most `limit`, in the order of ASCII codes: never of a locale. */
export function* paged<T, R>(
  items: readonly T[],
  key: (item: T) => string,
  { after, limit = Number.POSITIVE_INFINITY }: Page,
  result: (item: T) => R,
): Generator<R> {
  const sorted = items
    .map((item) => ({ item, at: key(item) }))
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  let left = limit;
  for (const { item, at } of sorted) {
    if (after !== undefined && at <= after) continue;
    if (left-- <= 0) return;
    yield result(item);
  }
}
