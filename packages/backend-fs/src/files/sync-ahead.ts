import type { FileHandle } from "./file-system.ts";

/** So many bytes at a time. Small files are synced once. */
const AHEAD = 32 * 1024 * 1024;

/**
 * Has the disk write what lies in memory while more comes, so that the sync at the end has little left to wait for. It promises
 * nothing by itself: what is to be durable is synced at the end all the same. But a sync that has failed is not tried again,
 * since the second one may succeed for nothing; whoever hears of it here gives up what was written.
 */
export class SyncAhead {
  readonly #handle: Pick<FileHandle, "sync">;
  #waiting = 0;
  #running: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(handle: Pick<FileHandle, "sync">) {
    this.#handle = handle;
  }

  /** So many bytes more have been written. @throws if a sync has failed by now. */
  note(bytes: number): void {
    this.#mustBeWell();
    this.#waiting += bytes;
    if (this.#waiting < AHEAD || this.#running) return;
    this.#waiting = 0;
    this.#running = this.#handle.sync().then(
      () => {
        this.#running = undefined;
      },
      (error: unknown) => {
        this.#running = undefined;
        this.#failure = { error };
      },
    );
  }

  /** Waits until none is under way. @throws if one has failed. */
  async end(): Promise<void> {
    await this.#running;
    this.#mustBeWell();
  }

  #mustBeWell(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
