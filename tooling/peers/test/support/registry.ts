import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import { programOf, temporary } from "./tools.ts";

/** crane's own registry, which keeps blobs on disk and goes with the test; as `host:port`. */
export async function registry(): Promise<string> {
  const disk = join(await temporary(), "registry");
  await mkdir(disk);
  const args = ["registry", "serve", "--disk", disk, "--address", "127.0.0.1:0"];
  const server = spawn(programOf("crane"), args, { stdio: ["ignore", "ignore", "pipe"] });
  const closed = once(server, "close");
  onTestFinished(async () => {
    server.kill();
    await closed;
  });
  for await (const line of createInterface(server.stderr)) {
    const [, port] = / on port (\d+)$/.exec(line) ?? [];
    if (!port) continue;
    // Nobody reads on, and it must not wait for that.
    server.stderr.resume();
    return `127.0.0.1:${port}`;
  }
  throw new Error("crane's registry did not start");
}
