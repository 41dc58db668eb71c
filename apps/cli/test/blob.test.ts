import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstat, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openLayout } from "@ocistore/backend-fs";
import { digestOf } from "@ocistore/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { cli, sample, temporary, text } from "./harness.ts";

const bytes = Uint8Array.from({ length: 700_000 }, (_, at) => (at * 31 + (at >> 8)) % 251);
const digest = digestOf(bytes);
const id = digest.replace(":", "-");

async function place() {
  const cwd = await temporary();
  await writeFile(join(cwd, "layer"), bytes);
  expect(await cli(["init", "store", "--catalog", "none"], { cwd })).toMatchObject({ exit: 0 });
  const run = (argv: string, o: Parameters<typeof cli>[1] = {}) => cli(argv.split(" "), { cwd, ...o });
  const open = async () => {
    const store = await openLayout(join(cwd, "store"));
    onTestFinished(() => store.close());
    return store;
  };
  /** Leaves so much of a blob half-way, as an interrupted put does. */
  const half = async (content = bytes.slice(0, 300_000), name = id) => {
    const upload = await (await open()).parts.blobs.upload(name, { create: true });
    await upload.write(pieces(content), { at: 0 });
    await upload.release();
  };
  return { cwd, run, open, half };
}

async function* pieces(content: Uint8Array) {
  yield content;
}

describe("blob put", () => {
  test("a file, twice", async () => {
    const { run } = await place();
    expect(await run("blob put oci:store layer")).toMatchObject({ exit: 0, out: `${digest}\n`, err: "" });
    const again = await run("blob put oci:store layer --json --media-type text/plain");
    expect(again).toMatchObject({ exit: 0, err: `{"present":"${digest}"}\n` });
    expect(again.json).toEqual([{ stored: digest, size: bytes.length, mediaType: "text/plain" }]);
  });

  test.each([
    ["a file", "layer", undefined],
    ["stdin with its digest", `- --digest ${digest}`, bytes],
  ])("what was interrupted goes on: %s", async (_, args, piped) => {
    const { run, half } = await place();
    await half();
    const put = await run(`blob put oci:store ${args}`, piped ? { piped } : {});
    expect(put).toMatchObject({ exit: 0, out: `${digest}\n` });
    expect(put.err).toBe("resumed at 300 kB: so much had been stored before\n");
    expect((await run(`blob get oci:store@${digest}`)).bytes.equals(bytes)).toBe(true);
    expect((await run("uploads ls oci:store")).err).toBe("nothing is on its way in\n");
  });

  test("what was stored half-way is something else: it is given up, and the next try is right", async () => {
    const { run, half } = await place();
    await half(new Uint8Array(1000));
    const put = await run("blob put oci:store layer --json");
    expect(put.exit).toBe(1);
    expect(put.err).toContain('"code":"DIGEST_MISMATCH"');
    expect(await run("blob put oci:store layer")).toMatchObject({ exit: 0, out: `${digest}\n`, err: "" });
  });

  test("stdin is stored under what it is; a wrong digest stores nothing", async () => {
    const { run } = await place();
    expect(await run("blob put oci:store -", { piped: text("hello") })).toMatchObject({
      exit: 0,
      out: `${digestOf(text("hello"))}\n`,
    });
    const wrong = await run(`blob put oci:store layer --digest ${digestOf(text("hullo"))} --json`);
    expect(wrong).toMatchObject({ exit: 1 });
    expect(wrong.err).toContain("DIGEST_MISMATCH");
    expect((await run("uploads ls oci:store --json")).json).toEqual([]);
  });

  test("what cannot be", async () => {
    const { run } = await place();
    expect(await run("blob put oci:store absent")).toMatchObject({ exit: 3 });
    expect(await run("blob put oci:store layer --media-type no")).toMatchObject({ exit: 2 });
    expect(await run("blob put oci:store layer --digest sha256:12")).toMatchObject({ exit: 2 });
  });
});

describe("blob get", () => {
  test("whole, in part, and into a file", async () => {
    const { run, cwd } = await place();
    await run("blob put oci:store layer");
    expect((await run(`blob get oci:store@${digest}`)).bytes.equals(bytes)).toBe(true);
    const part = await run(`blob get oci:store@${digest.slice(0, 20)} --offset 1000 --length 5`);
    expect(part.bytes.equals(bytes.slice(1000, 1005))).toBe(true);
    const got = await run(`blob get oci:store@${digest} -o copy --json`);
    expect(got.json).toEqual([{ got: digest, size: bytes.length, file: "copy" }]);
    expect((await readFile(join(cwd, "copy"))).equals(bytes)).toBe(true);
  });

  test("a terminal gets none unless it asks for it", async () => {
    const { run } = await place();
    await run("blob put oci:store layer");
    const refused = await run(`blob get oci:store@${digest}`, { typed: "" });
    expect(refused).toMatchObject({ exit: 2, out: "" });
    expect((await run(`blob get oci:store@${digest} -o -`, { typed: "" })).bytes.equals(bytes)).toBe(true);
  });

  test("one that is damaged is no file", async () => {
    const { run, cwd } = await place();
    await run("blob put oci:store layer");
    const damaged = bytes.slice();
    damaged[5]! ^= 1;
    const path = join(cwd, "store/blobs/sha256", createHash("sha256").update(bytes).digest("hex"));
    await writeFile(path, damaged);
    const got = await run(`blob get oci:store@${digest} -o copy --json`);
    expect(got).toMatchObject({ exit: 1, out: "" });
    expect(got.err).toContain('"code":"CORRUPT"');
    await expect(readFile(join(cwd, "copy"))).rejects.toThrow("ENOENT");
  });

  test("what cannot be", async () => {
    const { run } = await place();
    const absent = digestOf(text("absent"));
    expect(await run(`blob get oci:store@${absent}`)).toMatchObject({ exit: 3 });
    expect(await run("blob get oci:store:tag")).toMatchObject({ exit: 2 });
    expect(await run(`blob get oci:store@${absent} --offset -1`)).toMatchObject({ exit: 2 });
    await run("blob put oci:store layer");
    expect((await run(`blob get oci:store@${digest} --offset 800000 --json`)).err).toContain("RANGE_INVALID");
  });
});

describe("blob rm", () => {
  test("one that nothing names goes, and one that is named does not", async () => {
    const { run } = await place();
    await run("blob put oci:store layer");
    const dry = await run(`blob rm -n oci:store@${digest} --json`);
    expect(dry.json[0]).toMatchObject({ size: bytes.length });
    expect(await run(`blob rm oci:store@${digest}`)).toMatchObject({ exit: 2 });
    expect(await run(`blob rm oci:store@${digest}`, { typed: "n\n" })).toMatchObject({ exit: 2 });
    expect(await run(`blob rm -y oci:store@${digest}`)).toMatchObject({ exit: 0 });
    expect(await run(`blob get oci:store@${digest}`)).toMatchObject({ exit: 3 });
    expect(await run(`blob rm -y oci:store@${digest}`)).toMatchObject({ exit: 3 });

    const push = await run("push oci:store:v1 layer --json");
    const manifest = push.json[0]!.pushed as string;
    const used = await run(`blob rm -y oci:store@${digest} --json`);
    expect(used).toMatchObject({ exit: 2, out: "" });
    expect(used.err).toContain('"code":"IN_USE"');
    expect(await run(`blob rm -y oci:store@${manifest} --json`)).toMatchObject({ exit: 2 });
    expect(await run(`blob rm -y oci:store@${digest.slice(0, 20)}`)).toMatchObject({ exit: 2 });
  });
});

describe("uploads", () => {
  test("are listed, and given up by name or all together", async () => {
    const { run, half } = await place();
    await half(bytes.slice(0, 1000), "one");
    await half(bytes.slice(0, 2000), "two");
    const listed = (await run("uploads ls oci:store --json")).json;
    expect(listed.map(({ upload, size, inUse }) => [upload, size, inUse]).sort()).toEqual([
      ["one", 1000, false],
      ["two", 2000, false],
    ]);
    expect((await run("uploads ls oci:store")).out).toMatch(/^ID +SIZE +AGE +IN USE BY\n(one|two) +[12] kB +\S+\n/);
    expect(await run("uploads rm oci:store one")).toMatchObject({ exit: 2 });
    expect((await run("uploads rm -y oci:store one --json")).json).toEqual([
      { removed: "one", size: 1000 },
      { summary: { removed: 1, bytes: 1000 } },
    ]);
    expect(await run("uploads rm -y oci:store one")).toMatchObject({ exit: 3 });
    expect(await run("uploads rm -y oci:store")).toMatchObject({ exit: 2 });
    expect(await run("uploads rm -y oci:store two --all")).toMatchObject({ exit: 2 });
    expect(await run("uploads rm oci:store --all", { typed: "y\n" })).toMatchObject({
      exit: 0,
      out: "gave up two  2 kB\ngave up 1 upload, 2 kB freed\n",
    });
  });

  test("one that is being written to stays", async () => {
    const { run, open } = await place();
    const store = await open();
    let finish = () => {};
    const slow = async function* () {
      yield bytes.slice(0, 1000);
      await new Promise<void>((resolve) => (finish = resolve));
    };
    const upload = await store.parts.blobs.upload("one", { create: true });
    const writing = upload.write(slow(), { at: 0 });
    await expect
      .poll(async () => (await run("uploads ls oci:store --json")).json)
      .toMatchObject([{ upload: "one", inUse: true, holder: "this process" }]);
    const refused = await run("uploads rm -y oci:store one --json");
    expect(refused).toMatchObject({ exit: 1 });
    expect(refused.err).toContain('"code":"LOCKED"');
    expect((await run("uploads rm -y oci:store --all --json")).json).toEqual([{ summary: { removed: 0, bytes: 0 } }]);
    finish();
    expect(await writing).toBe(1000);
    await upload.abort();
  });
});

test("blob get -o: no device or pipe is replaced by a file, and a link to a file is followed", async () => {
  const { cwd, shared } = await sample();
  const get = ["blob", "get", `oci:store@${shared.digest}`, "-o"];
  execFileSync("mkfifo", [join(cwd, "pipe")]);
  expect(await cli([...get, "pipe"], { cwd })).toMatchObject({
    exit: 2,
    err: expect.stringContaining("not a regular file"),
  });
  expect((await lstat(join(cwd, "pipe"))).isFIFO()).toBe(true);
  await writeFile(join(cwd, "file"), "");
  await symlink("file", join(cwd, "link"));
  expect((await cli([...get, "link"], { cwd })).exit).toBe(0);
  expect((await lstat(join(cwd, "link"))).isSymbolicLink()).toBe(true);
  expect((await readFile(join(cwd, "file"))).length).toBe(shared.size);
});
