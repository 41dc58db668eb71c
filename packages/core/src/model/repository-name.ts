import { OciStoreError } from "../errors.ts";
import { quoted } from "./escape.ts";

const PATH_COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const LONGEST = 255;

/**
 * Whether a repository can have this name. The empty name is the one repository of an image layout.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
 */
export function isRepositoryName(text: string): boolean {
  if (typeof text !== "string" || text.length > LONGEST) return false;
  return text === "" || text.split("/").every((component) => PATH_COMPONENT.test(component));
}

/** @throws `REFERENCE_INVALID` */
export function parseRepositoryName(text: string): string {
  if (isRepositoryName(text)) return text;
  throw new OciStoreError("REFERENCE_INVALID", `not a repository name: ${quoted(String(text))}`, {
    reference: String(text),
  });
}
