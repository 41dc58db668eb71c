import { expect, test } from "vitest";
import { cli, sample } from "./harness.ts";

// Words that people have in their fingers from other tools.

test.each([
  ["copy", "cp"],
  ["delete", "rm"],
  ["prune", "gc"],
  ["verify", "fsck"],
  ["save", "export"],
  ["load", "import"],
])("%s is %s", async (alias, verb) => {
  const asked = await cli([alias, "--help"]);
  expect(asked).toMatchObject({ exit: 0, err: "" });
  expect(asked.out).toBe((await cli([verb, "--help"])).out);
  expect(asked.out).toMatch(new RegExp(`^Usage: ocistore ${verb}\\|${alias} `));
});

test("long words for short flags: --dry-run, --referrers, --jobs, --all-tags", async () => {
  const { cwd } = await sample();
  const same = async (one: string[], other: string[]) => {
    const [a, b] = [await cli(one, { cwd }), await cli(other, { cwd })];
    expect(a.exit).toBe(0);
    expect([b.exit, b.out, b.err]).toEqual([0, a.out, a.err]);
  };
  await same(["rm", "-n", "oci:store:v1"], ["delete", "--dry-run", "oci:store:v1"]);
  await same(["gc", "-n", "store"], ["prune", "--dry-run", "store"]);
  const copied = ["oci:other", "-n"];
  await same(
    ["cp", "-r", "-j", "2", "oci:store:v1", ...copied],
    ["copy", "--referrers", "--jobs", "2", "oci:store:v1", ...copied],
  );
  await same(["cp", "-a", "oci:store", ...copied], ["copy", "--all-tags", "oci:store", ...copied]);
});

test.each(["login", "serve", "backup", "restore", "digest", "lease", "validate", "check", "del", "remove"])(
  "%s is no verb, and says so: 2",
  async (word) => {
    const { exit, out, err } = await cli([word]);
    expect([exit, out]).toEqual([2, ""]);
    expect(err).toContain(`unknown command '${word}'`);
  },
);

test.each([
  ["cp", "--recursive"],
  ["cp", "--concurrency=2"],
  ["cp", "--oci-layout"],
  ["cp", "--recheck"],
  ["pull", "--format=oci"],
  ["rm", "--tree"],
  ["gc", "--free-space=5G"],
  ["gc", "--expire=1h"],
  ["gc", "--keep-storage=5G"],
  ["gc", "--reserved-space=5G"],
  ["gc", "--max-used-space=5G"],
  ["gc", "--min-free-space=5G"],
  ["gc", "--filter=until=24h"],
  ["gc", "--check"],
  ["ls", "--format=json"],
  ["ls", "--progress"],
  ["ls", "--no-tty"],
  ["fsck", "--connectivity-only"],
  ["graph", "--dot"],
  ["import", "-i"],
])("%s does not know %s, and says so: 2", async (verb, flag) => {
  const { exit, out, err } = await cli([verb, flag]);
  expect([exit, out]).toEqual([2, ""]);
  expect(err).toContain(`unknown option '${flag.split("=")[0]}`);
});
