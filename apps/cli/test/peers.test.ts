import { cp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { cli, temporary } from "./harness.ts";

/** Layouts as other tools left them; the README beside them says how. */
const FIXTURES = fileURLToPath(new URL("../../../tooling/peers/fixtures", import.meta.url));

interface Expected {
  /** What `ls` says: the name, or `-`, and what it is. */
  readonly list: readonly string[];
  /** How many of the blobs `tree` does not come by. */
  readonly garbage: number;
  /** What `fsck` ends with. */
  readonly exit: number;
}

const REFERRERS = [
  "sha256-0a5ec94eea50e25a4aab32b8c781527aa2438911f46c3a2056ee79c56d4509ef index",
  "sha256-25349fe653ff76af972569ef3cd4196a19c9ed8f986f52bf9344746ab2790914 index",
];

const EXPECTED: Readonly<Record<string, Expected>> = {
  umoci: { list: ["v1 image", "v2 image"], garbage: 2, exit: 0 },
  skopeo: { list: ["app index", "example.com/other:v1 image", "moved image"], garbage: 0, exit: 0 },
  buildah: { list: ["list index", "moved image", "- image"], garbage: 0, exit: 0 },
  oras: {
    list: ["alias text/note", "app index", "moved text/note", "note text/note", "- text/note"],
    garbage: 0,
    exit: 0,
  },
  regctl: { list: ["app index", "note text/note", ...REFERRERS], garbage: 0, exit: 0 },
  // An entry is there twice.
  crane: { list: ["registry.example/app:app image", "- index", "- image"], garbage: 0, exit: 4 },
};

test.each(Object.entries(EXPECTED))("ls, tree and fsck of what %s wrote", async (peer, expected) => {
  const cwd = await temporary();
  await cp(join(FIXTURES, peer), join(cwd, "store"), { recursive: true });
  const ls = await cli(["ls", "oci:store", "--json"], { cwd });
  const list = ls.json.map(({ ref, kind, artifactType }) => `${ref ?? "-"} ${artifactType ?? kind}`);
  const tree = await cli(["tree", "oci:store", "--json"], { cwd });
  const seen = new Set(tree.json.map(({ digest }) => digest));
  const blobs = (await readdir(join(cwd, "store/blobs/sha256"))).map((name) => `sha256:${name}`);
  const fsck = await cli(["fsck", "oci:store", "--json"], { cwd });
  const garbage = blobs.filter((digest) => !seen.has(digest)).length;
  expect({ list, garbage, exit: fsck.exit }).toEqual(expected);
  expect([ls.exit, tree.exit]).toEqual([0, 0]);
  expect([...seen].filter((digest) => !blobs.includes(digest as string))).toEqual([]);
  expect(fsck.json.at(-1)).toMatchObject({ summary: { errors: 0 } });
});
