/** One line on a terminal that is written over until the work is done. Elsewhere nothing. */
export class Progress {
  readonly #stream: NodeJS.WritableStream | undefined;
  #drawn = 0;

  constructor(stream: NodeJS.WritableStream | undefined) {
    this.#stream = stream;
  }

  /** At most ten times a second; the text is only made when it is drawn. */
  show(text: () => string): void {
    const now = Date.now();
    if (!this.#stream || now - this.#drawn < 100) return;
    this.#drawn = now;
    this.#stream.write(`\r\x1b[K${text()}`);
  }

  clear(): void {
    if (this.#stream && this.#drawn > 0) this.#stream.write("\r\x1b[K");
    this.#drawn = 0;
  }
}
