import type { Context } from "../context.ts";
import { bold, dim } from "../output/line.ts";
import { shellWord } from "../place.ts";

/** Runs another command line with these streams; `run` of run.ts, handed in so that no circle of imports is needed. */
export type Runner = (argv: readonly string[]) => Promise<number>;

const WIDTH = 100;

/** Tells the story: words, then the command as one would type it, then what it says. */
export class Guide {
  readonly #context: Context;
  readonly #run: Runner;
  #step = 0;

  constructor(context: Context, run: Runner) {
    this.#context = context;
    this.#run = run;
  }

  /** A heading and what is about to happen. */
  step(title: string, words: string): void {
    this.#step += 1;
    const { out } = this.#context;
    out.text("");
    out.text(bold(`${this.#step}. ${title}`));
    this.#tell(words);
  }

  say(words: string): void {
    this.#context.out.text("");
    this.#tell(words);
  }

  #tell(words: string): void {
    for (const line of wrapped(words)) this.#context.out.text(line);
  }

  /** Runs it in earnest. What is not expected ends the story. */
  async command(argv: readonly string[], expected: readonly number[] = [0]): Promise<void> {
    const { out, signal } = this.#context;
    signal.throwIfAborted();
    out.text("");
    out.text(dim("$ "), bold(`ocistore ${argv.map(shellWord).join(" ")}`));
    const exit = await this.#run(argv);
    signal.throwIfAborted();
    if (!expected.includes(exit)) throw new Error(`\`ocistore ${argv.join(" ")}\` ended with ${exit}`);
    await out.flow();
  }
}

function wrapped(text: string): string[] {
  const lines = [""];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1)!;
    if (last !== "" && last.length + word.length >= WIDTH) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines;
}
