import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";
import { also, both, later, run, sampleStore, transcript } from "./transcript.ts";

const NOTHING = `sha256:${"0".repeat(64)}`;

/** Something else where the layer is that all share. */
const damage = also("a bit of the layer that both share turns", async ({ cwd, kept }) => {
  const file = join(cwd, "store", "blobs", "sha256", kept.get("shared")!.slice(7));
  await chmod(file, 0o644);
  await writeFile(file, "a layer that all shared\n");
});

test("ls", () =>
  transcript("ls", [
    sampleStore(),
    later(50),
    both("ls oci:store"),
    run("ls --all store"),
    run("ls --full", { env: { OCISTORE_STORE: "oci:store" } }),
    run("untag oci:store:v1"),
    run("ls store"),
    run("init empty --catalog none"),
    both("ls empty"),
    run("ls nowhere"),
    run("ls ."),
    run("ls oci:store:v1"),
    run("ls"),
  ]));

test("inspect", () =>
  transcript("inspect", [
    sampleStore(),
    both("inspect oci:store:v1"),
    both("inspect oci:store@$amd64"),
    both("inspect oci:store@$shared"),
    both("inspect oci:store@$signature"),
    run("inspect --raw oci:store:v2"),
    run("inspect oci:store:nope"),
    run(`inspect oci:store@${NOTHING}`),
    run("inspect oci:store@sha256:00000000 --json"),
    run("inspect oci:store@sha256:0"),
    run("inspect oci:store"),
    run("inspect v1"),
  ]));

test("tree", () =>
  transcript("tree", [
    sampleStore(),
    both("tree oci:store:v1"),
    run("tag oci:store:v1 latest"),
    run("tree store"),
    run("tree oci:store@$shared"),
    run("tree oci:store:nope"),
    run("init empty --catalog none"),
    both("tree empty"),
  ]));

test("why, roots, du", () =>
  transcript("why-roots-du", [
    sampleStore(),
    both("why oci:store@$own"),
    both("why oci:store@$shared --all"),
    both("why oci:store@$signature"),
    both("why oci:store:v1"),
    both("roots store"),
    both("du store"),
    run("untag oci:store:v1"),
    both("roots store"),
    both("du store"),
    both("why oci:store@$own"),
    run("untag oci:store:v2"),
    both("roots store"),
    run(`why oci:store@${NOTHING}`),
    run(`why ${NOTHING} --store store --json`),
    run("why oci:store:nope"),
    run("why"),
    run("roots nowhere"),
    run("du --nope"),
  ]));

test("graph", () =>
  transcript("graph", [
    sampleStore(),
    both("graph oci:store:v2"),
    run("graph store"),
    run("graph oci:store:v2 --format dot"),
    run("graph oci:store:v2 --format svg"),
    run("graph oci:store:nope"),
  ]));

test("fsck", () =>
  transcript("fsck", [
    sampleStore(),
    both("fsck store"),
    run("fsck --fast store"),
    run("cp -a oci:store oci:copy"),
    damage,
    run("fsck --fast store"),
    both("fsck store"),
    both("fsck --repair -n store"),
    run("fsck --repair --from oci:copy store"),
    both("fsck store"),
    run("fsck --repair --fast store"),
    run("fsck -n store"),
    run("fsck nowhere"),
  ]));

test("version, completion, help, walkthrough", () =>
  transcript("command", [
    both("version"),
    run("--version"),
    run("completion bash"),
    run("completion csh --json"),
    run("complete -- un"),
    run("complete -- gc --gr --json"),
    run("walkthrough --json"),
    run("walkthrough nowhere"),
    run("--help"),
    run("help blob"),
    run("rm --help"),
    run("nope"),
    run("verson --json"),
    run("version it"),
    run("ls --nope"),
    run("ls --store"),
  ]));
