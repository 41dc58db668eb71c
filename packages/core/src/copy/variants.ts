import type { Platform } from "../model/descriptor.ts";

/**
 * How well an image for `has` does as one for `wanted`: 0 is best, `undefined` is not at all. As containerd, and so docker,
 * have it: the variant itself (without one `arm` is v7, `arm64` v8 and `amd64` v1, on either side), then the lower ones, which
 * run there too, from the highest. Unlike there no other architecture is taken, and where no variant is wanted, any other
 * comes last. Of two that mean the same, the one that is written the same comes first.
 *
 * @see https://github.com/containerd/platforms
 */
export function fitness(has: Platform | undefined, wanted: Platform): number | undefined {
  if (!has || has.os !== wanted.os || has.architecture !== wanted.architecture) return undefined;
  const [version, wantedVersion] = [has["os.version"] || "", wanted["os.version"] || ""];
  if (wantedVersion && version !== wantedVersion) return undefined;
  const variants = runningOn(wanted);
  const at = variants.indexOf(normal(has));
  if (at === -1 && wanted.variant) return undefined;
  const isWrittenAlike = (has.variant || "") === (wanted.variant || "") && version === wantedVersion;
  return 2 * (at === -1 ? variants.length : at) + (isWrittenAlike ? 0 : 1);
}

const IMPLIED: ReadonlyMap<string, string> = new Map([
  ["arm", "v7"],
  ["arm64", "v8"],
  ["amd64", "v1"],
]);

/** One way to write what may be written in several: `7`, `v7`; `v8.0`, `v8`. */
function normal({ architecture, variant }: Platform): string {
  const implied = IMPLIED.get(architecture);
  if (!implied) return variant || "";
  return (variant || implied)
    .toLowerCase()
    .replace(/^(?=\d)/, "v")
    .replace(/\.0$/, "");
}

/** The lowest variant, by its first number. */
const LOWEST: ReadonlyMap<string, number> = new Map([
  ["arm", 5],
  ["amd64", 1],
]);

/** The variants that run where this one does, the best first. */
function runningOn(platform: Platform): readonly string[] {
  const own = normal(platform);
  const [, major = "", minor = "0"] = /^v(\d{1,2})(?:\.(\d{1,2}))?$/.exec(own) ?? [];
  if (major === "") return [own];
  if (platform.architecture === "arm64") return ofArm64(Number(major), Number(minor));
  const lowest = LOWEST.get(platform.architecture) ?? Number(major);
  return [own, ...down(Number(major) - 1, lowest).map((each) => `v${each}`)];
}

/** Armv9.n has all of Armv8.(n+5), and both have all that is below them; v8.9 is the last of its line. */
function ofArm64(major: number, minor: number): readonly string[] {
  const line = down(minor, 0).map((each) => `v${major}${each > 0 ? `.${each}` : ""}`);
  return major === 9 ? [...line, ...ofArm64(8, Math.min(minor + 5, 9))] : line;
}

function down(from: number, to: number): readonly number[] {
  return Array.from({ length: Math.max(0, from - to + 1) }, (_, at) => from - at);
}
