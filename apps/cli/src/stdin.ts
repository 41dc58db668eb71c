import { addAbortSignal, type Readable } from "node:stream";
import type { Context } from "./context.ts";

/** What is piped in, once. An abort ends it while nothing comes, too: else the process would live as long as what pipes. */
export function piped({ io, signal }: Context): AsyncIterable<Uint8Array> {
  return addAbortSignal(signal, io.stdin as Readable);
}
