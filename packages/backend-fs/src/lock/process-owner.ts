import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { hasCode } from "../files/errors.ts";
import { type Liveness, type Owner, type OwnerProbe, samePlace } from "./owner.ts";

/** Processes as the operating system knows them: `/proc` where there is one, else only whether a pid is in use. */
export function processProbe(): OwnerProbe {
  let self: Promise<Owner> | undefined;
  const probe: OwnerProbe = {
    self: () => {
      self ??= describeSelf();
      return self;
    },
    liveness: async (owner) => (samePlace(owner, await probe.self()) ? livenessHere(owner) : "elsewhere"),
  };
  return probe;
}

async function describeSelf(): Promise<Owner> {
  const stat = await processStat("self");
  // A /proc that was mounted for other namespaces numbers processes otherwise, and would tell us of strangers.
  const ours = stat?.pid === process.pid;
  const namespaces = await Promise.all(["pid", "time"].map((name) => attempt(readlink(`/proc/self/ns/${name}`))));
  const namespace = namespaces.filter((name) => name !== undefined).join(" ");
  return {
    pid: process.pid,
    host: hostname(),
    boot: (await attempt(readFile("/proc/sys/kernel/random/boot_id", "utf8")))?.trim(),
    namespace: namespace === "" ? undefined : namespace,
    start: ours ? stat.start : undefined,
  };
}

async function livenessHere(owner: Owner): Promise<Liveness> {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (hasCode(error, "ESRCH")) return "dead";
    // EPERM: it is there and belongs to somebody else. Whatever else this is, it is no proof of death.
    if (!hasCode(error, "EPERM")) return "alive";
  }
  if (owner.start === undefined) return "alive";
  const stat = await processStat(owner.pid);
  // /proc may be hidden from us (`hidepid`), or the process has just gone and the next look will tell.
  if (stat === undefined) return "alive";
  if (stat.start !== owner.start) return "dead";
  // A zombie is dead once its last thread is: one may still be inside the system call that it made before.
  return (stat.state === "Z" || stat.state === "X") && stat.threads <= 1 ? "dead" : "alive";
}

interface ProcessStat {
  readonly pid: number;
  readonly state: string;
  readonly threads: number;
  readonly start: string;
}

/** `/proc/PID/stat`, see proc(5). The second field is the name in parentheses, and may itself hold any of them. */
async function processStat(pid: number | "self"): Promise<ProcessStat | undefined> {
  const text = await attempt(readFile(`/proc/${pid}/stat`, "utf8"));
  const end = text?.lastIndexOf(")") ?? -1;
  if (text === undefined || end < 0) return undefined;
  const fields = text
    .slice(end + 1)
    .trim()
    .split(" "); // from field 3 on
  const [state, threads, start] = [fields[0], fields[17], fields[19]];
  if (state === undefined || threads === undefined || start === undefined) return undefined;
  return { pid: Number.parseInt(text, 10), state, threads: Number(threads), start };
}

/** What the platform does not tell us, for whatever reason, is not known; and what is not known counts as alive. */
async function attempt<T>(look: Promise<T>): Promise<T | undefined> {
  try {
    return await look;
  } catch {
    return undefined;
  }
}
