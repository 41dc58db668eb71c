import { type Environment, isOciStoreError, type Signal } from "@ocistore/core";

/** 63 ms in all: longer than anybody takes to write a file, shorter than anybody waits to hear that it is damaged. */
const RETRIES = 6;

/**
 * Reads a file that another tool may be writing over in place, as several write index.json and oci-layout. What is half of it is
 * read again, and never taken for something else.
 *
 * @throws `LAYOUT_INVALID` if it stays as it is.
 */
export async function whole<T>(read: () => Promise<T>, env: Pick<Environment, "sleep">, o: Signal = {}): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await read();
    } catch (error) {
      if (attempt === RETRIES || !isOciStoreError(error, "LAYOUT_INVALID")) throw error;
      await env.sleep(2 ** attempt, o);
    }
  }
}
