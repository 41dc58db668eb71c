import { OciStoreError } from "../errors.ts";

/** A `MANIFEST_INVALID` error that says at which place of the document the fault is. */
export function invalid(where: string, reason: string, cause?: unknown): OciStoreError {
  return new OciStoreError("MANIFEST_INVALID", `${where}: ${reason}`, {}, cause === undefined ? {} : { cause });
}
