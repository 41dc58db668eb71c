import { expect } from "vitest";
import type { ErrorCode, OciStoreError } from "../../src/errors.ts";
import { type Digest, digestOf } from "../../src/model/index.ts";

/** UTF-8 of a text, or of the JSON of anything else. */
export function utf8(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}

/** Fails unless `run` throws an error of ours with this code; gives that error back. */
export function refused(code: ErrorCode, run: () => unknown): OciStoreError {
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    expect(error).toMatchObject({ name: "OciStoreError", code });
    return error as OciStoreError;
  }
  expect.fail(`${code} expected, but it returned ${JSON.stringify(result)}`);
}

/** A digest for each name. */
export function digestNamed(name: string): Digest {
  return digestOf(utf8(name));
}

/** A descriptor as it stands in a document. */
export function described(name: string, mediaType = "application/vnd.example.thing", size = 7) {
  return { mediaType, digest: digestNamed(name), size };
}

export const EMPTY_SHA256 = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
