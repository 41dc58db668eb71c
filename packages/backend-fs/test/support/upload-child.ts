import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { systemEnvironment } from "@ocistore/core";
import { openLayout } from "../../src/index.ts";

/** What this script, a process of its own, is told to do, as JSON in its first argument. */
export interface UploadTask {
  readonly directory: string;
  /** `put`: a blob, resuming. `append`: to the upload itself, from where it stands, and to let go of it. */
  readonly do: "put" | "append";
  readonly id: string;
  /** Of pieces of a mebibyte, each of bytes of its own number: from the first, for `append` all from where it stands. */
  readonly pieces: number;
  /** Before the piece of this number it says so, and waits until it is told to go on. */
  readonly pauseAt?: number | undefined;
}

const MIB = 1024 * 1024;
const say = (line: string) => process.stdout.write(`${line}\n`);
const lines = createInterface(process.stdin)[Symbol.asyncIterator]();

async function* content({ pieces, pauseAt }: UploadTask, start: number): AsyncGenerator<Uint8Array> {
  say(`from ${start}`);
  for (let at = start / MIB; at < pieces; at++) {
    if (at === pauseAt) {
      say("waiting");
      await lines.next();
    }
    yield new Uint8Array(MIB).fill(at % 251);
  }
}

/** The hash of all pieces. */
export function hashOf(pieces: number): string {
  const hash = createHash("sha256");
  for (let at = 0; at < pieces; at++) hash.update(new Uint8Array(MIB).fill(at % 251));
  return `sha256:${hash.digest("hex")}`;
}

async function run(task: UploadTask): Promise<void> {
  const store = await openLayout(task.directory, { create: true });
  try {
    if (task.do === "put") {
      const stream = (start: number) => content(task, start);
      const put = store.repository().session((session) => session.putBlob({ stream }, { resume: task.id }));
      say((await put).digest);
    } else {
      const upload = await store.parts.blobs.upload(task.id);
      await upload.write(content(task, upload.offset), { at: upload.offset });
      await upload.release();
      say(`at ${upload.offset}`);
    }
  } catch (error) {
    const { code, data } = error as { code?: string; data?: { holders?: readonly string[] } };
    say(`failed ${code} ${data?.holders?.join() ?? error}`);
  }
  say(`rss ${Math.round(process.resourceUsage().maxRSS / 1024)}`);
  await store.close();
  await systemEnvironment.sleep(0);
  process.stdin.destroy();
}

if (process.argv[1]?.endsWith("upload-child.js")) await run(JSON.parse(process.argv[2]!));
