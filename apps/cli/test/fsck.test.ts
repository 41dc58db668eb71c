import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cli, sample, snapshot } from "./harness.ts";

/** The sample store, a mirror of it, and a layer that is damaged in the first. */
async function damaged() {
  const at = await sample();
  await cp(at.directory, join(at.cwd, "mirror"), { recursive: true });
  const path = join(at.directory, "blobs", ...at.own.digest.split(":"));
  await writeFile(path, "only of AMD64\n");
  return { ...at, path };
}

test("fsck --repair takes a sound copy from elsewhere: 0, and nothing is left to do", async () => {
  const { cwd, path, own } = await damaged();
  const done = await cli(["fsck", "--repair", "--from", "oci:mirror", "oci:store"], { cwd });
  expect(done.exit).toBe(0);
  expect(done.out).toMatch(
    /^error: corrupt {2}sha256:\w+ {2}the bytes are sha256:\w+ {2}now: replaced by a sound copy/,
  );
  expect(done.out).toMatch(/1 finding mended; all is sound\n$/);
  expect(await readFile(path, "utf8")).toBe("only of amd64\n");
  const again = await cli(["fsck", "--json", "--repair", "--from", "oci:mirror", "oci:store"], { cwd });
  expect(again.exit).toBe(0);
  expect(again.json).toMatchObject([{ finding: "aside", level: "note" }, { summary: { errors: 0, repaired: 0 } }]);
  expect(again.json[0]?.message).toContain(own.digest.replace(":", "-"));
});

test("without a source it is set aside, what names it is reported, and the exit code is 4", async () => {
  const { cwd, path, own } = await damaged();
  const done = await cli(["fsck", "--json", "--repair", "oci:store"], { cwd });
  expect(done.exit).toBe(4);
  expect(done.json).toMatchObject([
    { finding: "corrupt", digest: own.digest, repaired: /set aside/ },
    { finding: "missing", digest: own.digest },
    { summary: { errors: 1, warnings: 0, repaired: 1 } },
  ]);
  await expect(readFile(path)).rejects.toThrow("ENOENT");
});

test("-n says what would be done and changes nothing, times included", async () => {
  const { cwd, directory } = await damaged();
  const before = await snapshot(directory);
  const planned = await cli(["fsck", "--json", "--repair", "-n", "--from", "mirror", "store"], { cwd });
  expect(await snapshot(directory)).toEqual(before);
  expect(planned.exit).toBe(0);
  const done = await cli(["fsck", "--json", "--repair", "--from", "mirror", "store"], { cwd });
  expect(planned.json.slice(0, -1)).toEqual(done.json.slice(0, -1));
});

test("a store that cannot be opened is opened again", async () => {
  const { cwd, directory } = await sample();
  const index = join(directory, "index.json");
  await writeFile(index, (await readFile(index, "utf8")).slice(0, -3));
  await rm(join(directory, "oci-layout"));
  expect((await cli(["ls", "oci:store"], { cwd })).exit).toBe(1);
  const before = await snapshot(directory);
  const planned = await cli(["fsck", "--repair", "-n", "oci:store"], { cwd });
  expect(await snapshot(directory)).toEqual(before);
  expect(planned.exit).toBe(4);
  expect(planned.out).toMatch(/would be: set aside, and made anew: 1 tags/);
  const done = await cli(["fsck", "--repair", "oci:store"], { cwd });
  expect(done).toMatchObject({ exit: 4, err: "" });
  expect(planned.out.replaceAll("would be:", "now:").replace("would be mended", "mended")).toBe(done.out);
  expect(done.out).toMatch(/warning: layout .*tags may be lost/);
  expect((await cli(["fsck", "oci:store"], { cwd })).exit).toBe(0);
  expect((await cli(["gc", "--grace", "0", "--yes", "oci:store"], { cwd })).exit).toBe(0);
  expect(await readdir(join(directory, ".ocistore/damaged"))).toEqual(["index.json.1"]);
});

test.each([
  [["--fast", "--repair"], "a repair reads everything"],
  [["-n"], "add --repair"],
  [["--from", "mirror"], "add --repair"],
])("fsck %o is refused", async (words, hint) => {
  const { cwd } = await sample();
  const refused = await cli(["fsck", ...words, "store"], { cwd });
  expect(refused.exit).toBe(2);
  expect(refused.err).toContain(hint);
});
