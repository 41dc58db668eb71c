import { type Environment, harmless, Mutex, type OnEvent, type Signal } from "@ocistore/core";
import type { Database } from "./database.ts";
import { toOciStoreError } from "./errors.ts";
import { patiently } from "./patience.ts";

/**
 * The write transactions of one process, one after the other. One stays open while its work waits for the disk, so that
 * bytes can come to their name and leave it inside; nobody else's statement can get in between, since nobody else has this
 * connection, and who waits for the lock of another process waits without a statement, so that this process goes on.
 */
export class Transactions {
  readonly #db: Database;
  readonly #env: Environment;
  readonly #onEvent: OnEvent | undefined;
  readonly #mutex = new Mutex();

  constructor(db: Database, env: Environment, onEvent?: OnEvent) {
    this.#db = db;
    this.#env = env;
    this.#onEvent = onEvent && harmless(onEvent);
  }

  /** All that the work has done, durably, or nothing of it. @throws `LOCKED` if another process does not let go. */
  write<T>({ signal }: Signal, work: () => T | Promise<T>): Promise<T> {
    return this.#mutex.run(
      async () => {
        signal?.throwIfAborted();
        await patiently(this.#env, { signal, onEvent: this.#onEvent }, () => this.#db.exec("BEGIN IMMEDIATE"));
        try {
          const result = await work();
          this.#db.exec("COMMIT");
          return result;
        } catch (error) {
          // Some errors have rolled back already.
          if (this.#db.inTransaction) this.#db.exec("ROLLBACK");
          throw toOciStoreError(error);
        }
      },
      { signal },
    );
  }

  /** Resolves when what has been begun is over. */
  idle(): Promise<void> {
    return this.#mutex.run(async () => {});
  }
}
