import { field, type JsonValue } from "./json.ts";
import { compact, optional, readObject, readString, readStrings } from "./json-read.ts";

/**
 * What an image runs on.
 *
 * @see https://github.com/opencontainers/image-spec/blob/main/image-index.md#image-index-property-descriptions
 */
export interface Platform {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly "os.version"?: string;
  readonly "os.features"?: readonly string[];
  readonly features?: readonly string[];
}

/** @throws `MANIFEST_INVALID` */
export function parsePlatform(value: JsonValue, where: string): Platform {
  const platform = readObject(value, where);
  return compact<Platform>({
    architecture: readString(field(platform, "architecture"), `${where}.architecture`),
    os: readString(field(platform, "os"), `${where}.os`),
    variant: optional(platform, "variant", where, readString),
    "os.version": optional(platform, "os.version", where, readString),
    "os.features": optional(platform, "os.features", where, readStrings),
    features: optional(platform, "features", where, readStrings),
  });
}

/** As people write it: `linux/amd64`, `linux/arm64/v8`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return variant ? `${os}/${architecture}/${variant}` : `${os}/${architecture}`;
}
