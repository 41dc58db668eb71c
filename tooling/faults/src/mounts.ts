import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Only root mounts. Where tests run as somebody else, and on other systems, the file systems in memory have to do. */
export const CAN_MOUNT = process.platform === "linux" && process.getuid?.() === 0;

const run = (command: string, ...argv: readonly string[]) =>
  execFileSync(command, argv, { stdio: ["ignore", "pipe", "pipe"] });

async function mounted(mount: (at: string, beside: string) => void): Promise<string> {
  const base = await mkdtemp(join(tmpdir(), "ocistore-mount-"));
  const at = join(base, "mnt");
  run("mkdir", at);
  mount(at, join(base, "image"));
  onTestFinished(async () => {
    run("umount", "--recursive", "--lazy", at);
    await rm(base, { recursive: true, force: true });
  });
  return at;
}

/** A file system in memory of so many bytes, gone after the test. */
export function tmpfs(bytes: number, options = ""): Promise<string> {
  return mounted((at) => run("mount", "-t", "tmpfs", "-o", `size=${bytes}${options}`, "tmpfs", at));
}

/** An ext4 of so many bytes in a file, without blocks that only root may use. */
export function ext4(bytes: number): Promise<string> {
  return mounted((at, image) => {
    run("truncate", "--size", String(bytes), image);
    run("mkfs.ext4", "-q", "-m", "0", "-N", "512", image);
    run("mount", "-o", "loop", image, at);
  });
}

/** An exFAT of so many bytes in a file: no hard links, no modes, no upper and lower case. FUSE mounts it from a block device only. */
export function exfat(bytes: number): Promise<string> {
  return mounted((at, image) => {
    run("truncate", "--size", String(bytes), image);
    run("mkfs.exfat", image);
    const device = run("losetup", "--find", "--show", image).toString().trim();
    run("mount.exfat-fuse", device, at);
    // Goes with the last that uses it.
    run("losetup", "--detach", device);
  });
}

/** Shows a directory read-only, until the test ends. */
export function mountReadOnly(directory: string): () => void {
  run("mount", "--bind", directory, directory);
  run("mount", "-o", "remount,bind,ro", directory);
  let isMounted = true;
  const unmount = () => {
    if (isMounted) run("umount", directory);
    isMounted = false;
  };
  onTestFinished(unmount);
  return unmount;
}
