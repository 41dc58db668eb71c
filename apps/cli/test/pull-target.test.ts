import { link, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CAN_MOUNT, exfat } from "../../../tooling/faults/src/mounts.ts";
import { PullTarget } from "../src/pull-target.ts";
import { cli, temporary, text } from "./harness.ts";

async function* content(value: string) {
  yield text(value);
}

const failing = (code: string) => Object.assign(new Error(code), { code });

/** What `link` does on FAT. */
const refusing: typeof link = () => Promise.reject(failing("EPERM"));

/** A target in which one file waits for its name. */
async function staged(o: { readonly overwrite?: boolean; readonly link?: typeof link }) {
  const out = join(await temporary(), "out");
  const target = new PullTarget(out, { overwrite: false, ...o });
  await target.stage("a", content("ours"), () => {});
  return { target, out, file: join(out, "a") };
}

describe("where the file system has no second names for files", () => {
  test.each(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"])("%s: the file gets its name all the same", async (code) => {
    const { target, out, file } = await staged({ link: () => Promise.reject(failing(code)) });
    await target.publish();
    await target.discard();
    expect(await readFile(file, "utf8")).toBe("ours");
    expect(await readdir(out)).toEqual(["a"]);
  });

  test.each([
    ["a file", (file: string) => writeFile(file, "theirs")],
    ["a link that leads nowhere", (file: string) => symlink("../victim", file)],
  ])("%s that has come meanwhile is neither overwritten nor followed", async (_, put) => {
    const { target, out, file } = await staged({ link: refusing });
    await put(file);
    await expect(target.publish()).rejects.toMatchObject({ code: "REFUSED" });
    await target.discard();
    expect(await readdir(join(out, ".."))).toEqual(["out"]);
    expect(await readdir(out)).toEqual(["a"]);
    expect(await readFile(file, "utf8").catch(() => "no victim")).not.toBe("ours");
  });

  test("a name that was taken first is given back when the file does not get it", async () => {
    const losing: typeof link = async (temp) => {
      await rm(temp);
      throw failing("EPERM");
    };
    const { target, out } = await staged({ link: losing });
    await expect(target.publish()).rejects.toMatchObject({ code: "ENOENT" });
    expect(await readdir(out)).toEqual([]);
  });

  test("any other failure of it is reported, and leaves nothing", async () => {
    const { target, out } = await staged({ link: () => Promise.reject(failing("EIO")) });
    await expect(target.publish()).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await target.discard();
    expect(await readdir(join(out, ".."))).toEqual([]);
  });

  // Only root mounts one.
  test.runIf(CAN_MOUNT)("a real one: pulled, refused, and replaced with --overwrite", async () => {
    const cwd = await temporary();
    const out = await exfat(16 * 1024 * 1024);
    await writeFile(join(out, "probe"), "");
    await expect(link(join(out, "probe"), join(out, "probe2"))).rejects.toThrow();
    await writeFile(join(cwd, "a.txt"), "one");
    await cli(["push", "oci:store:v1", "a.txt"], { cwd });
    const pull = (...flags: string[]) => cli(["pull", "oci:store:v1", "-o", out, ...flags], { cwd });
    expect(await pull()).toMatchObject({ exit: 0 });
    expect(await readFile(join(out, "a.txt"), "utf8")).toBe("one");
    await writeFile(join(out, "a.txt"), "mine");
    expect(await pull()).toMatchObject({ exit: 2 });
    expect(await readFile(join(out, "a.txt"), "utf8")).toBe("mine");
    expect(await pull("--overwrite")).toMatchObject({ exit: 0 });
    expect((await readdir(out)).sort()).toEqual(["a.txt", "probe"]);
  });
});

describe("a directory to write to that is none", () => {
  test.each([
    [
      "out",
      "nowhere",
      /^ocistore: .*out is a link that leads nowhere — make the directory that it leads to, or -o DIR/,
    ],
    ["out/sub", "nowhere", /^ocistore: .*out is a link that leads nowhere — /],
    ["out", "out", /^ocistore: .*out is a link that leads nowhere — /],
    ["out", "store/index.json", /^ocistore: .*out is no directory — -o DIR for another\n/],
    ["out/sub", "store/index.json", /^ocistore: .*out is no directory — -o DIR for another\n/],
  ])("-o %s, where out is a link to %s", async (output, leadsTo, says) => {
    const cwd = await temporary();
    await writeFile(join(cwd, "a.txt"), "one");
    await cli(["push", "oci:store:v1", "a.txt"], { cwd });
    await symlink(leadsTo, join(cwd, "out"));
    const { exit, out, err } = await cli(["pull", "oci:store:v1", "-o", output], { cwd });
    expect([exit, out]).toEqual([2, ""]);
    expect(err).toMatch(says);
    expect(err.split("\n")).toHaveLength(2);
    expect((await readdir(cwd)).sort()).toEqual(["a.txt", "out", "store"]);
  });

  test("a link to a directory that is there is followed", async () => {
    const cwd = await temporary();
    await writeFile(join(cwd, "a.txt"), "one");
    await cli(["push", "oci:store:v1", "a.txt"], { cwd });
    await mkdir(join(cwd, "real"));
    await symlink("real", join(cwd, "out"));
    expect((await cli(["pull", "oci:store:v1", "-o", "out/sub"], { cwd })).exit).toBe(0);
    expect(await readdir(join(cwd, "real", "sub"))).toEqual(["a.txt"]);
  });
});
