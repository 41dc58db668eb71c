import type { Signal } from "@ocistore/core";
import type { Multiparts, Part } from "../multiparts.ts";

/** So many are on their way at once; this and the size of a part is what an upload has in memory. */
const AT_ONCE = 4;

/** Sends the parts of one multipart upload, a few side by side. */
export class Parts {
  readonly #multiparts: Multiparts;
  readonly #key: string;
  readonly #upload: string;
  readonly #sent: Part[];
  readonly #sending = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(multiparts: Multiparts, key: string, upload: string, sent: readonly Part[]) {
    this.#multiparts = multiparts;
    this.#key = key;
    this.#upload = upload;
    this.#sent = [...sent];
  }

  /** Begins to send the next one, when there is room. @throws What failed of one before. */
  async send(number: number, body: Uint8Array, o: Signal): Promise<void> {
    while (this.#sending.size >= AT_ONCE) await Promise.race(this.#sending);
    this.#mustBeWell();
    const sending = this.#multiparts.putPart(this.#key, this.#upload, { number, body }, o).then(
      (etag) => void this.#sent.push({ number, size: body.length, etag, modified: 0 }),
      (error: unknown) => {
        this.#failure ??= { error };
      },
    );
    this.#sending.add(sending);
    void sending.finally(() => this.#sending.delete(sending));
  }

  /** Waits for all of them. @throws What failed. */
  async settled(): Promise<readonly Part[]> {
    await Promise.all(this.#sending);
    this.#mustBeWell();
    return this.#sent.sort((a, b) => a.number - b.number);
  }

  complete(parts: readonly Part[], o: Signal): Promise<void> {
    return this.#multiparts.complete(this.#key, this.#upload, parts, o);
  }

  /** Harmless when it is over. */
  async abandon(): Promise<void> {
    await Promise.all(this.#sending);
    await this.#multiparts.abandon(this.#key, this.#upload);
  }

  #mustBeWell(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
