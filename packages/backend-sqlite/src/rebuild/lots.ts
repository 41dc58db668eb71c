/** So many rows in one transaction. */
const LOT = 1000;

export async function inLots<T>(source: AsyncIterable<T>, work: (lot: readonly T[]) => Promise<void>): Promise<void> {
  let lot: T[] = [];
  for await (const each of source) {
    lot.push(each);
    if (lot.length < LOT) continue;
    await work(lot);
    lot = [];
  }
  if (lot.length > 0) await work(lot);
}
