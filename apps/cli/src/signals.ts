import process from "node:process";

/** Why the work was broken off: what `signal.reason` is then. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly exit: number;

  constructor(signal: "SIGINT" | "SIGTERM") {
    super(signal === "SIGINT" ? "interrupted" : "terminated");
    this.exit = signal === "SIGINT" ? 130 : 143;
  }
}

/**
 * Turns SIGINT and SIGTERM into an abort, so that what is under way ends in order: locks and leases are given back. Who
 * signals a second time does not want to wait for that.
 */
export function watchSignals(): { readonly signal: AbortSignal; close(): void } {
  const controller = new AbortController();
  const handlers = (["SIGINT", "SIGTERM"] as const).map((name) => {
    const handler = () => {
      const reason = new Interrupted(name);
      if (controller.signal.aborted) process.exit(reason.exit);
      controller.abort(reason);
    };
    process.on(name, handler);
    return [name, handler] as const;
  });
  return {
    signal: controller.signal,
    close: () => {
      for (const [name, handler] of handlers) process.off(name, handler);
    },
  };
}
