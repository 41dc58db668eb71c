/** Who holds a lock, told so that another process can find out whether it still lives. */
export interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Which start of the machine this was, where the platform tells. A process does not outlive it. */
  readonly boot?: string | undefined;
  /** Where `pid` and `start` mean something. Two containers count their processes, and may set their clocks, apart. */
  readonly namespace?: string | undefined;
  /** When the process started, in the kernel's own count: tells it from a later one that was given the same pid. */
  readonly start?: string | undefined;
}

/** `elsewhere`: the owner lives, or lived, where we cannot look. It has to be taken for alive. */
export type Liveness = "alive" | "dead" | "elsewhere";

/** What a lock has to know about processes. Injected, so that a test decides who is dead. */
export interface OwnerProbe {
  self(): Promise<Owner>;
  liveness(owner: Owner): Promise<Liveness>;
}

/** Whether a pid and a start time of `a` mean the same to `b`. What either does not know, it has to not know alike. */
export function samePlace(a: Owner, b: Owner): boolean {
  return a.host === b.host && a.boot === b.boot && a.namespace === b.namespace;
}

/**
 * Whether both run, or ran, on one machine, so that the locks of its kernel reach from the one to the other: either the
 * machine was not restarted in between, or it bears the same name after a restart.
 */
export function sameMachine(a: Owner, b: Owner): boolean {
  return a.host === b.host || (a.boot !== undefined && a.boot === b.boot);
}
