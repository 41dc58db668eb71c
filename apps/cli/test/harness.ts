import { createHash } from "node:crypto";
import { lstat, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { PassThrough } from "node:stream";
import { openLayout } from "@ocistore/backend-fs";
import { type Descriptor, type Environment, MEDIA_TYPES, packIndex, packManifest, type Store } from "@ocistore/core";
import { onTestFinished } from "vitest";
import { type Io, run } from "../src/run.ts";

export interface Result {
  readonly exit: number;
  readonly out: string;
  /** stdout to the byte. */
  readonly bytes: Buffer;
  readonly err: string;
  /** The lines of stdout as JSON. */
  readonly json: Record<string, unknown>[];
}

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  readonly signal?: AbortSignal;
  readonly clock?: Environment;
  /** Makes stdin, stdout and stderr terminals, and types this. */
  readonly typed?: string;
  /** How wide these terminals are. */
  readonly columns?: number;
  /** What is piped into it; `open`: a pipe that nobody closes. */
  readonly piped?: Uint8Array | "open";
}

/** Runs a command line in this process. */
export async function cli(argv: readonly string[], o: CliOptions = {}): Promise<Result> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  if (o.typed !== undefined) {
    for (const stream of [stdin, stdout, stderr]) Object.assign(stream, { isTTY: true, columns: o.columns });
    stdin.end(o.typed);
  } else if (o.piped !== "open") {
    stdin.end(o.piped);
  }
  const [out, err] = [collect(stdout), collect(stderr)];
  const io: Io = { stdin, stdout, stderr, env: o.env ?? {}, cwd: o.cwd ?? tmpdir(), signal: o.signal, clock: o.clock };
  const exit = await run(argv, io);
  stdout.end();
  stderr.end();
  const bytes = await out;
  const text = bytes.toString();
  return {
    exit,
    out: text,
    bytes,
    err: (await err).toString(),
    get json() {
      return text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    },
  };
}

async function collect(stream: PassThrough): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);

export async function temporary(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "ocistore-cli-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export interface Sample {
  /** Where the directory `store` lies; commands run here. */
  readonly cwd: string;
  readonly directory: string;
  readonly shared: Descriptor;
  readonly own: Descriptor;
  readonly amd64: Descriptor;
  readonly arm64: Descriptor;
  readonly v1: Descriptor;
  readonly v2: Descriptor;
  readonly signature: Descriptor;
}

/** Two tags that share a layer: `v1`, an index of two images with a signature, and `v2`, an artifact. */
export async function sample(): Promise<Sample> {
  return sampleIn(await temporary());
}

export async function sampleIn(cwd: string, env?: Environment): Promise<Sample> {
  const directory = join(cwd, "store");
  const fill = (store: Store) =>
    store.repository().session(async (session) => {
      const shared = await session.putBlob({ stream: text("a layer that all share\n"), mediaType: MEDIA_TYPES.layer });
      const own = await session.putBlob({ stream: text("only of amd64\n"), mediaType: MEDIA_TYPES.layer });
      const image = async (architecture: string, layers: Descriptor[]) => {
        const stream = text(JSON.stringify({ os: "linux", architecture, rootfs: { type: "layers", diff_ids: [] } }));
        const config = await session.putBlob({ stream, mediaType: MEDIA_TYPES.imageConfig });
        const pushed = await session.putManifest(packManifest({ config, layers }));
        return { ...pushed, platform: { os: "linux", architecture } };
      };
      const amd64 = await image("amd64", [shared, own]);
      const arm64 = await image("arm64", [shared]);
      const v1 = await session.putManifest(packIndex({ manifests: [amd64, arm64] }), { tags: ["v1"] });
      const signature = await session.putManifest(packManifest({ artifactType: "test/signature", subject: v1 }));
      const v2 = await session.putManifest(packManifest({ artifactType: "test/notes", layers: [shared] }), {
        tags: ["v2"],
      });
      return { shared, own, amd64, arm64, v1, v2, signature };
    });
  return { cwd, directory, ...(await withStore(directory, fill, env)) };
}

export async function withStore<T>(
  directory: string,
  work: (store: Store) => Promise<T>,
  env?: Environment,
): Promise<T> {
  const store = await openLayout(directory, { create: true, ...(env && { env }) });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** All that lies below a directory, times included. */
export async function snapshot(directory: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of (await readdir(directory, { recursive: true })).concat(".").sort()) {
    const path = join(directory, name);
    const stat = await lstat(path, { bigint: true });
    const hash = stat.isFile()
      ? createHash("sha256")
          .update(await readFile(path))
          .digest("hex")
      : "directory";
    found[relative(directory, path)] = `${stat.mtimeNs} ${stat.ctimeNs} ${stat.mode} ${hash}`;
  }
  return found;
}

export const clockAt = (now: () => number): Environment => ({
  now,
  random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
  sleep: async () => {},
});
