import type { Owner } from "./owner.ts";

/**
 * What a lock file says. Its text is `held` and the owner as JSON, or begins with `free`, which a holder writes over
 * the `held` when it lets go. A person who knows the owner to be dead does the same: `echo free > FILE`.
 *
 * `lost` is a file of no bytes or of zeros: the machine lost power before the text reached the disk. Nobody sees such a
 * file otherwise, since a record is written, and closed, before it gets its number. `unknown` is anything else; a later
 * ocistore may have written it, so nothing may be concluded from it.
 */
export type LockRecord = { readonly state: "free" | "lost" | "unknown" } | Held;

interface Held {
  readonly state: "held";
  readonly owner: Owner;
  /** Which kernel lock the owner holds for as long as it holds this one, if it does (see kernel-lock.ts). */
  readonly kernel?: string | undefined;
}

/** Long enough for any record, in bytes. */
export const RECORD_LIMIT = 4096;

/** What is written over the first bytes of a record to give the lock back. As long as `held`, and so one small write. */
export const FREE = new TextEncoder().encode("free");

/** `token` is random: no two records are alike, and who made one knows it again. */
export function encodeRecord(owner: Owner, token: string, kernel: string | undefined): Uint8Array {
  return new TextEncoder().encode(`held ${JSON.stringify({ ...owner, token, kernel })}\n`);
}

export function decodeRecord(bytes: Uint8Array): LockRecord {
  if (bytes.every((byte) => byte === 0)) return { state: "lost" };
  const text = new TextDecoder().decode(bytes);
  if (text.startsWith("free")) return { state: "free" };
  if (!text.startsWith("held ")) return { state: "unknown" };
  let value: unknown;
  try {
    value = JSON.parse(text.slice(5));
  } catch {
    return { state: "unknown" };
  }
  if (!isHeld(value)) return { state: "unknown" };
  const { pid, host, boot, namespace, start, kernel } = value;
  return { state: "held", owner: { pid, host, boot, namespace, start }, kernel };
}

function isHeld(value: unknown): value is Owner & Pick<Held, "kernel"> {
  if (typeof value !== "object" || value === null) return false;
  const { pid, host, boot, namespace, start, kernel } = value as Record<string, unknown>;
  // A pid of 0 or less would mean a whole group of processes to `kill`.
  if (!Number.isSafeInteger(pid) || (pid as number) < 1 || typeof host !== "string") return false;
  return [boot, namespace, start, kernel].every((field) => field === undefined || typeof field === "string");
}
