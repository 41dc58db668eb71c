import type { Pass } from "./kernel-lock.ts";
import type { Holder } from "./lock.ts";
import type { LockFiles } from "./lock-files.ts";
import { type Owner, type OwnerProbe, sameMachine } from "./owner.ts";

/**
 * Whether the lock with this number may be taken over. `free`: it was given back, or its owner is dead, and neither will
 * ever change. `gone`: its record was tidied away, so it is not the highest any more. Else: who holds it.
 */
export async function judge(
  files: LockFiles,
  number: number,
  probe: OwnerProbe,
  pass: Pass | undefined,
): Promise<Holder | "free" | "gone"> {
  const record = await files.read(number);
  if (record === undefined) return "gone";
  // Only a power failure of this machine loses a record, and only one that rested on the kernel lock (see link-lock.ts).
  if (record.state === "free" || (record.state === "lost" && pass !== undefined)) return "free";
  const turn = String(number);
  const advice = `if it is gone for certain: echo free > ${quoted(files.pathOf(number))}`;
  if (record.state !== "held") return { text: `a process that cannot be told; ${advice}`, known: false, turn };

  const { owner, kernel } = record;
  const liveness = await probe.liveness(owner);
  if (liveness === "dead") return "free";
  if (pass !== undefined && kernel === pass.lock && sameMachine(owner, await probe.self())) return "free";
  if (liveness === "alive") return { text: describe(owner), known: true, turn };
  return { text: `${describe(owner)}, which cannot be watched from here; ${advice}`, known: false, turn };
}

/** Who has the kernel lock: alive for sure, and most likely the one that the newest record names. */
export async function kernelHolder(files: LockFiles): Promise<Holder> {
  const newest = Math.max(0, ...(await files.numbers()));
  const record = newest === 0 ? undefined : await files.read(newest);
  const text = record?.state === "held" ? describe(record.owner) : "another process";
  return { text, known: true, turn: String(newest) };
}

export function describe({ pid, host }: Owner): string {
  return `process ${pid} on ${host}`;
}

export function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}
