import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import type { Digest } from "./naive.ts";
import { requireTools, run } from "./tools.ts";

const SCRIPT = fileURLToPath(new URL("../../make-real-images.sh", import.meta.url));
/** The small set: 32 MiB. */
const PACKAGES = { BASE_PACKAGES: "base-files busybox-static", WEB_PACKAGES: "jq", CACHE_PACKAGES: "sqlite3" };
const TOOLS = ["skopeo", "umoci", "jq", "openssl", "zstd", "apt-get", "dpkg-deb", "tar", "sha256sum"];

export interface RealImages {
  /** Read it; change a copy. */
  readonly layout: string;
  readonly facts: Facts;
}

/** What make-real-images.sh says of what it has made. */
interface Facts {
  readonly tags: Readonly<Record<string, { readonly digest: Digest }>>;
  readonly webIndex: Digest;
  readonly referrers: { readonly sbom: Digest; readonly signature: Digest; readonly fallbackIndex: Digest };
  readonly attestation: Digest;
  readonly sharedBaseLayer: Digest;
  readonly siteLayer: Digest;
  readonly blobs: readonly { readonly digest: Digest; readonly size: number }[];
}

/** Made by an earlier run and still whole, or made now, which takes about half a minute and Debian's archive. */
export function realImages(): Promise<RealImages> {
  images ??= findOrMake();
  return images;
}

let images: Promise<RealImages> | undefined;

async function findOrMake(): Promise<RealImages> {
  requireTools(...TOOLS);
  const uid = process.getuid?.() ?? 0;
  if (uid !== 0) throw new Error("make-real-images.sh has to run as root: files in layers belong to uid 0");
  const key = createHash("sha256")
    .update(await readFile(SCRIPT))
    .update(JSON.stringify(PACKAGES))
    .digest("hex");
  const cached = join(tmpdir(), `ocistore-real-images-${key.slice(0, 16)}`);
  const found = await wholeImages(cached, uid);
  if (found) return found;

  const made = await mkdtemp(`${cached}-`);
  try {
    const { PLATFORMS: _, SUITE: __, SOURCE_DATE_EPOCH: ___, ...env } = process.env;
    await run("bash", [SCRIPT, made], { env: { ...env, ...PACKAGES }, timeout: 300_000 });
    await rm(cached, { recursive: true, force: true });
    // Another run may have made them meanwhile, and then its copy is as good.
    await rename(made, cached).catch(() => {});
  } finally {
    await rm(made, { recursive: true, force: true });
  }
  const whole = await wholeImages(cached, uid);
  if (!whole) throw new Error(`what make-real-images.sh made is not whole: ${cached}`);
  return whole;
}

async function wholeImages(directory: string, uid: number): Promise<RealImages | undefined> {
  try {
    // In a directory for everybody, somebody else may have been there first.
    if ((await lstat(directory)).uid !== uid) return undefined;
    const layout = join(directory, "layout");
    const facts = JSON.parse(await readFile(join(directory, "facts.json"), "utf8")) as Facts;
    const names = await readdir(join(layout, "blobs", "sha256"));
    if (names.length !== facts.blobs.length) return undefined;
    for (const { digest } of facts.blobs) {
      const hash = createHash("sha256");
      await pipeline(createReadStream(join(layout, "blobs", digest.replace(":", "/"))), hash);
      if (`sha256:${hash.digest("hex")}` !== digest) return undefined;
    }
    return { layout, facts };
  } catch {
    return undefined;
  }
}
