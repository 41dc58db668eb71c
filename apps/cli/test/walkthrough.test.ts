import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cli, sample, snapshot, temporary } from "./harness.ts";

test("from beginning to end", async () => {
  const { exit, out, err } = await cli(["walkthrough"]);
  expect({ exit, err }).toEqual({ exit: 0, err: "" });
  const verbs = [...out.matchAll(/^\$ ocistore (\w+)/gm)].map(([, verb]) => verb);
  expect(verbs).toEqual([
    "ls",
    "tree",
    "du",
    "why",
    "rm",
    "rm",
    "ls",
    "why",
    "push",
    "untag",
    "gc",
    "gc",
    "fsck",
    "ls",
  ]);
  expect(out).toContain("linux/arm64");
  expect(out).toContain("all is sound");
  const [, directory] = /oci:(\S+)\/store/.exec(out)!;
  expect(await readdir(tmpdir())).not.toContain(directory!.split("/").at(-1));
});

test("--keep leaves the store; the same files make the same image", async () => {
  const cwd = await temporary();
  expect((await cli(["walkthrough", "--keep", "kept"], { cwd })).out).toContain(
    `The store is in ${join(cwd, "kept")}.`,
  );
  await cli(["walkthrough", "--keep", "again"], { cwd });
  const digests = async (place: string) =>
    (await cli(["ls", place, "--json"], { cwd })).json.map(({ digest }) => digest);
  expect(await digests("kept")).toEqual(await digests("again"));
  expect((await cli(["walkthrough", "--keep", "kept"], { cwd })).exit).toBe(2);
});

test("of a store of one's own: looks and changes nothing", async () => {
  const { cwd, directory } = await sample();
  const before = await snapshot(directory);
  const { exit, out } = await cli(["walkthrough", "store"], { cwd });
  expect(exit).toBe(0);
  expect(await snapshot(directory)).toEqual(before);
  const verbs = [...out.matchAll(/^\$ ocistore (\w+)/gm)].map(([, verb]) => verb);
  expect(verbs).toEqual(["ls", "tree", "tree", "du", "roots", "gc"]);
  // `pnpm start` runs elsewhere than its user is.
  const env = { npm_lifecycle_event: "start", INIT_CWD: cwd };
  expect((await cli(["walkthrough", "oci:store"], { cwd: tmpdir(), env })).exit).toBe(0);
  expect((await cli(["walkthrough", "nowhere"], { cwd })).exit).toBe(3);
  expect((await cli(["walkthrough", "--json"], { cwd })).exit).toBe(2);
});
