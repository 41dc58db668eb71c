/** A version by https://semver.org, with a `v` before it if it likes; build metadata says nothing about the order. */
export interface Version {
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  readonly pre: readonly string[];
}

const VERSION = /^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:[+_]([0-9A-Za-z.-]+))?$/;
const IDENTIFIER = /^(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)$/;

/** `undefined` for what is no version: `latest`, `1.2`. A tag has no `+`, so `_` stands for it, as with Helm. */
export function parseVersion(tag: string): Version | undefined {
  if (tag.length > 256) return undefined;
  const [, major, minor, patch, pre] = VERSION.exec(tag) ?? [];
  if (major === undefined || minor === undefined || patch === undefined) return undefined;
  const identifiers = pre === undefined ? [] : pre.split(".");
  if (!identifiers.every((each) => IDENTIFIER.test(each))) return undefined;
  return { major: BigInt(major), minor: BigInt(minor), patch: BigInt(patch), pre: identifiers };
}

/** By precedence: negative if `a` is the older one. @see https://semver.org/#spec-item-11 */
export function compareVersions(a: Version, b: Version): number {
  return order(a.major, b.major) || order(a.minor, b.minor) || order(a.patch, b.patch) || comparePre(a.pre, b.pre);
}

function comparePre(a: readonly string[], b: readonly string[]): number {
  // What comes before a release is older than the release.
  if (a.length === 0 || b.length === 0) return order(b.length, a.length);
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const by = compareIdentifiers(a[at]!, b[at]!);
    if (by !== 0) return by;
  }
  return order(a.length, b.length);
}

function compareIdentifiers(a: string, b: string): number {
  const [isNumber, other] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (isNumber && other) return order(BigInt(a), BigInt(b));
  return isNumber === other ? order(a, b) : isNumber ? -1 : 1;
}

function order<T>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
