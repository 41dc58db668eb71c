import { OciStoreError } from "../errors.ts";
import type { Digest } from "../model/digest.ts";

// What a catalog answers when it does not do what it is asked. The words are the same whichever catalog it is.

export function missing(digest: Digest, digests: readonly Digest[]): OciStoreError {
  const message = `${digest} needs content that is not stored here: ${digests.join(", ")}`;
  return new OciStoreError("MISSING_CONTENT", message, { digest, digests });
}

export function notStored(digest: Digest): OciStoreError {
  return new OciStoreError("NOT_FOUND", `${digest} is not stored here`, { digest });
}

export function heldBy(digest: Digest, holders: readonly string[]): OciStoreError {
  return new OciStoreError("IN_USE", `${digest} is held by ${holders.join(", ")}`, { digest, holders });
}

/** What it kept would be garbage. */
export function isManifest(digest: Digest): OciStoreError {
  return new OciStoreError("IN_USE", `${digest} is a manifest`, { digest });
}

export function ofOtherSize(digest: Digest, expected: number, actual: number): OciStoreError {
  const data = { digest, expected, actual };
  return new OciStoreError("SIZE_MISMATCH", `${digest} has ${actual} bytes, not ${expected}`, data);
}

export function beingCollected(digest: Digest): OciStoreError {
  return new OciStoreError("UPLOAD_UNKNOWN", `${digest} is being collected`, { digest });
}

export function noTag(name: string): OciStoreError {
  return new OciStoreError("NOT_FOUND", `no tag ${name}`, { reference: name });
}

export function noPin(name: string): OciStoreError {
  return new OciStoreError("NOT_FOUND", `no pin ${name}`, { reference: name });
}

export function noRun(run: string): OciStoreError {
  return new OciStoreError("NOT_FOUND", `no run ${run} is remembered`, { reference: run });
}

/** A tag is not where it was expected; `null`: it was to be new. */
export function tagElsewhere(name: string, present: Digest | undefined, expected: Digest | null): OciStoreError {
  const message = `tag ${name} is ${present ? `on ${present}` : "absent"}, not ${expected === null ? "new" : `on ${expected}`}`;
  return new OciStoreError("CONFLICT", message, { reference: name, ...(present && { digest: present }) });
}

interface TagMoved {
  readonly name: string;
  readonly digest: Digest;
}

/** Tags have moved since a run that is to be undone; `now` is where the first of them is. */
export function tagsMoved(left: readonly [TagMoved, ...TagMoved[]], now: Digest): OciStoreError {
  const [{ name, digest }] = left;
  const others = left.length > 1 ? `, and ${left.length - 1} more` : "";
  const message = `tag ${name} is on ${now} by now, and was on ${digest}${others}`;
  return new OciStoreError("CONFLICT", message, {
    reference: name,
    digest: now,
    holders: left.map((tag) => tag.name),
  });
}

/** R24: a collector that slept while another took over decides nothing any more. */
export function takenOver(): OciStoreError {
  return new OciStoreError("CONFLICT", "another collector has taken over");
}
