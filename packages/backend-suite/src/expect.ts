import assert from "node:assert/strict";
import { digestOf, type ErrorCode, isOciStoreError, type OciStoreError } from "@ocistore/core";

type Work = Promise<unknown> | (() => Promise<unknown>);

/** It must fail with one of these codes. */
export async function fails(work: Work, ...codes: readonly ErrorCode[]): Promise<OciStoreError> {
  const error = await errorOf(work, codes.join(" or "));
  if (isOciStoreError(error, ...codes)) return error;
  throw new assert.AssertionError({ message: `expected ${codes.join(" or ")}, got ${said(error)}`, actual: error });
}

/** It must fail with this very value: what a caller's source or signal throws is the caller's. */
export async function failsWith(reason: unknown, work: Work): Promise<void> {
  const error = await errorOf(work, said(reason));
  assert.ok(error === reason, `expected the very error ${said(reason)}, got ${said(error)}`);
}

async function errorOf(work: Work, wanted: string): Promise<unknown> {
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    return error;
  }
  throw new assert.AssertionError({ message: `expected ${wanted}, but nothing failed` });
}

function said(error: unknown): string {
  if (isOciStoreError(error)) return `${error.code} (${error.message})`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** In any order. */
export function same(actual: Iterable<string>, wanted: Iterable<string>, message?: string): void {
  assert.deepEqual([...actual].sort(), [...wanted].sort(), message);
}

/** Told in a few words, where a comparison of the bytes themselves would print megabytes. */
export function sameBytes(actual: Uint8Array | undefined, wanted: Uint8Array, message = "the bytes differ"): void {
  assert.equal(actual?.length, wanted.length, message);
  assert.equal(actual && digestOf(actual), digestOf(wanted), message);
}
