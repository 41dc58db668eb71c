import { once } from "node:events";
import { wantsColours } from "./colours.ts";
import { fitLine } from "./fit.ts";
import { jsonLine } from "./json.ts";
import { drawLine, type Line, type Segment } from "./line.ts";
import { Progress, type ProgressStream } from "./progress.ts";
import { type Column, tableLines } from "./table.ts";
import { shortDigest } from "./words.ts";

export type OutStream = ProgressStream & { readonly isTTY?: boolean };

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly full: boolean;
  readonly progress: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The two channels: the result alone on stdout, all else on stderr. */
export class Output {
  readonly json: boolean;
  readonly #stdout: OutStream;
  readonly #stderr: OutStream;
  readonly #o: OutputOptions;
  readonly #colours: { readonly out: boolean; readonly err: boolean };
  readonly #progress: Progress;
  #isFull = false;
  #isClosed = false;

  constructor(stdout: OutStream, stderr: OutStream, o: OutputOptions) {
    this.json = o.json;
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#o = o;
    this.#colours = { out: wantsColours(stdout, o.env), err: wantsColours(stderr, o.env) };
    const drawn = o.progress && !o.quiet && !o.json && stderr.isTTY && o.env.TERM !== "dumb";
    this.#progress = new Progress(drawn ? stderr : undefined);
  }

  /** A line of the result: the object with `--json`, else the text. */
  result(value: object, ...line: Line): void {
    if (this.json) this.object(value);
    else this.text(...line);
  }

  /** A line of the result that only programs need. */
  object(value: object): void {
    if (this.json) this.#write(`${jsonLine(value)}\n`);
  }

  /** A line of the result that only people need. */
  text(...line: Line): void {
    if (!this.json) this.#write(`${drawLine(line, this.#colours.out).trimEnd()}\n`);
  }

  /** A line of a list or a tree that only people need: on a terminal it is cut rather than wrapped. */
  row(...line: Line): void {
    this.text(...this.#fit(line, this.#stdout));
  }

  /** Rows under their titles, for people; nothing if there are no rows. */
  table(columns: readonly Column[], rows: readonly (readonly Segment[])[]): void {
    if (this.json || rows.length === 0) return;
    for (const line of tableLines(columns, rows, this.#room(this.#stdout))) this.row(...line);
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#write(bytes);
  }

  /** Worth knowing, and no part of the result. Not said with `--quiet`. */
  note(value: object, ...line: Line): void {
    if (!this.#o.quiet) this.say(value, ...line);
  }

  /** Said on stderr in any case; an object with nothing in it is for people only. */
  say(value: object, ...line: Line): void {
    if (this.json && Object.keys(value).length === 0) return;
    this.#progress.clear();
    this.#stderr.write(`${this.json ? jsonLine(value) : drawLine(line, this.#colours.err).trimEnd()}\n`);
  }

  /** A row of what is said. */
  sayRow(value: object, ...line: Line): void {
    this.say(value, ...this.#fit(line, this.#stderr));
  }

  progress(text: () => string): void {
    this.#progress.show(text);
  }

  endProgress(): void {
    this.#progress.clear();
  }

  /** What is still under way comes to its end without a word. */
  stopProgress(): void {
    this.#progress.stop();
  }

  /** A digest in text for people. */
  digest(digest: string): string {
    return this.#o.full ? digest : shortDigest(digest);
  }

  /** Digests inside a sentence, for people. */
  sentence(text: string): string {
    return text.replace(/\b[a-z0-9]+:[0-9a-f]{64,128}\b/g, (digest) => this.digest(digest));
  }

  /** Waits while the reader of stdout is slower than we are; a long listing calls it once a line. */
  async flow(): Promise<void> {
    if (!this.#isFull || this.#isClosed) return;
    const waiting = new AbortController();
    const { signal } = waiting;
    try {
      await Promise.race([once(this.#stdout, "drain", { signal }), once(this.#stdout, "close", { signal })]);
    } finally {
      waiting.abort(); // takes the listener of the other one away
    }
    this.#isFull = false;
  }

  /** Waits until all is written; a disk that is full says so only then. */
  async flush(): Promise<void> {
    if (this.#isClosed) return;
    await new Promise<void>((resolve) => this.#stdout.write("", () => setImmediate(resolve)));
  }

  /** Nobody reads stdout any more, or nothing can be written there. */
  close(): void {
    this.#isClosed = true;
  }

  /** Columns that a row may take: what is not on a terminal, or wanted in full, is never cut. */
  #room({ isTTY, columns }: OutStream): number | undefined {
    return isTTY && columns && !this.#o.full ? columns : undefined;
  }

  #fit(line: Line, stream: OutStream): Line {
    const room = this.#room(stream);
    return this.json || room === undefined ? line : fitLine(line, room);
  }

  #write(chunk: string | Uint8Array): void {
    if (this.#isClosed) return;
    this.#progress.clear();
    this.#isFull = !this.#stdout.write(chunk);
  }
}
