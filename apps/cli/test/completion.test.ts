import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { cli, type Sample, sample } from "./harness.ts";

const BIN = fileURLToPath(new URL("../bin/ocistore.js", import.meta.url));

/** What `ocistore complete` offers for the last word. */
async function offered({ cwd }: Pick<Sample, "cwd">, words: string[], env: Record<string, string> = {}) {
  const { exit, out, err } = await cli(["complete", "--", ...words], { cwd, env });
  expect([exit, err]).toEqual([0, ""]);
  return out.split("\n").flatMap((line) => line.split("\t")[0] || []);
}

test("verbs, with what they do", async () => {
  const { cwd } = await sample();
  const { out } = await cli(["complete", "--", "un"], { cwd });
  expect(out).toMatch(/^untag\ttake a tag away/);
  expect(await offered({ cwd }, ["un"])).toEqual(expect.arrayContaining(["untag", "undo"]));
  expect(await offered({ cwd }, [""])).toContain("help");
  expect(await offered({ cwd }, [""])).not.toContain("complete");
  expect(await offered({ cwd }, ["blob", ""])).toEqual(["get", "put", "rm", "help"]);
  expect(await offered({ cwd }, ["help", "f"])).toEqual(["fsck"]);
  expect(await offered({ cwd }, ["nope", ""])).not.toEqual([]);
});

test("options of the verb and of every verb, and what they take", async () => {
  const { cwd } = await sample();
  expect(await offered({ cwd }, ["gc", "--gr"])).toEqual(["--grace"]);
  expect(await offered({ cwd }, ["delete", "--"])).toEqual(expect.arrayContaining(["--keep-children", "--json"]));
  expect(await offered({ cwd }, ["graph", "--format", ""])).toEqual(["mermaid", "dot", "json"]);
  expect(await offered({ cwd }, ["fsck", "--from", "s"])).toEqual(["store"]);
  expect(await offered({ cwd }, ["push", "oci:store:v1", "--con"])).toEqual(["--config"]);
  expect(await offered({ cwd }, ["push", "oci:store:v1", "--config", ""])).toEqual([]);
  expect(await offered({ cwd }, ["completion", ""])).toEqual(["bash", "zsh", "fish", "powershell"]);
  // After these words nothing is an option, and what an option takes is none.
  expect(await offered({ cwd }, ["ls", "--", "--a"])).toEqual([]);
  expect(await offered({ cwd }, ["gc", "--grace", "--"])).toEqual([]);
});

test("stores, and the tags that are in them now", async () => {
  const { cwd, v1 } = await sample();
  await mkdir(join(cwd, "sub", ".hidden"), { recursive: true });
  await cli(["init", "sub/inner", "--catalog", "none"], { cwd });
  expect(await offered({ cwd }, ["ls", ""])).toEqual(["store", "sub/"]);
  expect(await offered({ cwd }, ["ls", "oci:s"])).toEqual(["oci:store", "oci:sub/"]);
  expect(await offered({ cwd }, ["tree", "o"])).toEqual(["oci:store:", "oci:sub/"]);
  expect(await offered({ cwd }, ["rm", "oci:sub/"])).toEqual(["oci:sub/inner:"]);
  expect(await offered({ cwd }, ["rm", "oci:store:"])).toEqual(["oci:store:v1", "oci:store:v2"]);
  await cli(["tag", "oci:store:v1", "v10"], { cwd });
  expect(await offered({ cwd }, ["rm", "oci:store:v2", "ocidir://store:v1"])).toEqual([
    "ocidir://store:v1",
    "ocidir://store:v10",
  ]);
  expect(await offered({ cwd }, ["why", `oci:store@${v1.digest.slice(0, 12)}`])).toEqual([`oci:store@${v1.digest}`]);
  expect(await offered({ cwd }, ["tag", "oci:store:v1", "v"])).toEqual(["v1", "v10", "v2"]);
  expect(await offered({ cwd }, ["untag", "v1"], { OCISTORE_STORE: "store" })).toEqual(["v1", "v10"]);
  expect(await offered({ cwd }, ["--store", "store", "untag", "v2"])).toEqual(["v2"]);
});

test("pins", async () => {
  const { cwd } = await sample();
  await cli(["pin", "oci:store:v1", "release"], { cwd });
  expect(await offered({ cwd }, ["unpin", "store", ""])).toEqual(["release"]);
  expect(await offered({ cwd }, ["pin", "oci:store:v2", "re"])).toEqual(["release"]);
});

test("runs to undo", async () => {
  const { cwd } = await sample();
  await cli(["rm", "-y", "--window", "1h", "oci:store:v2"], { cwd });
  const [{ run } = {}] = (await cli(["trash", "ls", "store", "--json"], { cwd })).json;
  expect(await offered({ cwd }, ["--store=store", "undo", ""])).toContain(run);
  expect(await offered({ cwd }, ["--store", "store", "trash", "empty", "--run", ""])).toEqual([run]);
});

test("nothing, and no complaint, where there is nothing to look at", async () => {
  const { cwd } = await sample();
  for (const words of [
    ["rm", "oci:nowhere:"],
    ["rm", "oci:.:x"],
    ["ls", "nowhere/x"],
    ["push", "oci:store:v1", "f"],
    ["version", ""],
  ])
    expect(await offered({ cwd }, words)).toEqual([]);
});

test("a tag that a shell would obey is not offered", async () => {
  const { cwd, directory } = await sample();
  const index = join(directory, "index.json");
  await chmod(index, 0o644);
  await writeFile(index, (await readFile(index, "utf8")).replaceAll('"v2"', '"v$(touch x)"'));
  expect(await offered({ cwd }, ["rm", "oci:store:v"])).toEqual(["oci:store:v1"]);
});

/** Types a line into bash with the script in it, and asks for what TAB would be given. */
async function inBash({ cwd }: Pick<Sample, "cwd">, line: string): Promise<string[]> {
  const program = `
    ocistore() { "$NODE" "$BIN" "$@"; }
    eval "$(ocistore completion bash)"
    complete -p ocistore >&2
    COMP_LINE=$1 COMP_POINT=\${#1}
    _ocistore
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { ...process.env, NODE: process.execPath, BIN, OCISTORE_STORE: "" };
  const { stdout, stderr } = await promisify(execFile)("bash", ["--norc", "-c", program, "bash", line], { cwd, env });
  expect(stderr).toBe("complete -o default -F _ocistore ocistore\n");
  return stdout.split("\n").filter((word) => word !== "");
}

test("bash", async () => {
  const { cwd } = await sample();
  expect(await inBash({ cwd }, "ocistore fs")).toEqual(["fsck"]);
  // bash replaces what comes after the last colon.
  expect(await inBash({ cwd }, "ocistore rm oci:store:")).toEqual(["v1", "v2"]);
  expect(await inBash({ cwd }, "ocistore tree oc")).toEqual(["oci:store:"]);
  expect(await inBash({ cwd }, "ocistore tree oci:st")).toEqual(["store:"]);
  expect(await inBash({ cwd }, "ocistore gc --retention ")).toEqual([]);
});

test("a script for each shell, and no other", async () => {
  for (const shell of ["bash", "zsh", "fish", "powershell"]) {
    expect((await cli(["completion", shell])).out).toContain(" complete -- ");
    expect((await cli(["completion", shell, "--json"])).json).toEqual([
      { shell, script: expect.stringContaining("ocistore") },
    ]);
  }
  expect((await cli(["completion", "csh"])).exit).toBe(2);
  expect((await cli(["completion"])).exit).toBe(2);
});
