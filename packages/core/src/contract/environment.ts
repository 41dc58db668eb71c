/** Milliseconds: a time since the epoch, or a length of time. */
export type Ms = number;

/** Every async operation takes one of these and rejects with the signal's own reason. */
export interface Signal {
  readonly signal?: AbortSignal | undefined;
}

/**
 * The only source of time and chance in core and in the backends. A test injects its own, and so decides what happens
 * when; `systemEnvironment` is the real one.
 */
export interface Environment {
  now(): Ms;
  /** So many random bytes, good enough for identifiers nobody can guess. */
  random(bytes: number): Uint8Array;
  /** Resolves after `ms`, or rejects with the signal's reason. */
  sleep(ms: Ms, o?: Signal): Promise<void>;
}

/** A random identifier: lower-case hex, 32 digits unless told. */
export function randomId(env: Environment, bytes = 16): string {
  return Array.from(env.random(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
