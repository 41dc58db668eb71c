import { execFile } from "node:child_process";
import { chmod, link, mkdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { not, type Row, rules } from "../support/row.ts";
import {
  described,
  type Fields,
  GOOD_LAYER,
  IMAGE,
  INDEX,
  type Json,
  LAYER,
  type Specimen,
} from "../support/specimen.ts";

const run = promisify(execFile);
const surfaces = { library: not("a directory"), command: not("a directory") } as const;
const LAYOUT = "LAYOUT_INVALID";

/** Another file in the place of one; a directory can hold the same as a tar file. */
const instead = (
  path: string,
  content: string,
  layout = LAYOUT,
  archive: "accepted" | typeof LAYOUT = LAYOUT,
): Row => ({
  ...surfaces,
  taint: (specimen) => specimen.file(path, content),
  layout: { expect: layout },
  archive: { expect: archive },
});

/** What no tar file holds in this way; its links and devices are in `fs/archive/hostile.test.ts`. */
const onDisk = (deed: (directory: string) => Promise<unknown>, layout: string = LAYOUT): Row => ({
  ...surfaces,
  taint: (specimen) => specimen.deeds.push(deed),
  layout: { expect: layout },
  archive: not("a directory"),
});

const replaced = (path: string, make: (path: string) => Promise<unknown>, layout: string = LAYOUT): Row =>
  onDisk(async (directory) => {
    await rm(join(directory, path), { recursive: true });
    await make(join(directory, path));
  }, layout);

const fifo = (path: string) => run("mkfifo", [path]);
const evil = (make: (path: string) => Promise<unknown>, layout: string): Row => ({
  ...onDisk(async () => {}, layout),
  taint: (specimen) => {
    const layer = specimen.blob("evil layer");
    specimen.image({ layers: [layer] });
    const path = `blobs/${String(layer.digest).replace(":", "/")}`;
    specimen.deeds.push(async (directory) => {
      await rm(join(directory, path));
      await make(join(directory, path));
    });
  },
});

const index = (value: Json) => JSON.stringify(value);
const listing = (taint: (specimen: Specimen) => void, layout: string, archive: Row["archive"]): Row => ({
  ...surfaces,
  taint,
  layout: { expect: layout },
  archive,
});
const accepted = { expect: "accepted" } as const;
const odd: Fields = { "x-evil": { deep: [null, 1.5, "\u001b"] }, platform: "none", urls: 5 };

export const LAYOUTS = rules("layouts", {
  "B87 no oci-layout": { ...onDisk((directory) => rm(join(directory, "oci-layout"))) },
  "B87 an empty oci-layout": instead("oci-layout", ""),
  "B87 an oci-layout without a version": instead("oci-layout", "{}"),
  "B87 an oci-layout of version 1.1.0": instead("oci-layout", '{"imageLayoutVersion":"1.1.0"}'),
  "B87 an oci-layout of version 2.0.0": instead("oci-layout", '{"imageLayoutVersion":"2.0.0"}'),
  "B87 an oci-layout of the number 1.0": instead("oci-layout", '{"imageLayoutVersion":1.0}'),
  "B87 an oci-layout with two versions": instead(
    "oci-layout",
    '{"imageLayoutVersion":"1.0.0","imageLayoutVersion":"2"}',
  ),
  "B87 an oci-layout with more fields": instead(
    "oci-layout",
    '{"imageLayoutVersion":"1.0.0","__proto__":{"x":1}}',
    "sound; garbage goes",
    "accepted",
  ),
  "B87 an oci-layout that is a directory": replaced("oci-layout", mkdir),
  "B87 an oci-layout of 1 GB": onDisk((directory) => truncate(join(directory, "oci-layout"), 2 ** 30)),
  "B88 an empty index.json": instead("index.json", ""),
  "B88 half an index.json": instead("index.json", '{"schemaVersion":2,"manifests":[{"media'),
  "B88 an index.json that is no JSON": instead("index.json", "not JSON"),
  "B88 an index.json that is a list": instead("index.json", "[]"),
  "B88 an index.json that is a manifest": instead(
    "index.json",
    index({ schemaVersion: 2, config: described("{}", LAYER), layers: [] }),
  ),
  "B88 an index.json whose manifests are an object": instead("index.json", '{"schemaVersion":2,"manifests":{}}'),
  "B88 an index.json that is a directory": replaced("index.json", mkdir),
  "B88 an index.json that is a link": replaced("index.json", (path) => symlink("/etc/passwd", path)),
  "B88 an index.json that is a fifo": replaced("index.json", fifo),
  "B88 an index.json of 1 GB": onDisk((directory) => truncate(join(directory, "index.json"), 2 ** 30)),
  "B89 an entry of a type that nobody knows": listing(
    (specimen) => specimen.list({ ...specimen.blob("evil"), mediaType: "application/x-evil", ...odd }, "evil"),
    "sound; garbage goes",
    accepted,
  ),
  "B89 an entry that is an index": listing(
    (specimen) => specimen.list(specimen.json({ schemaVersion: 2, manifests: [] }, INDEX)),
    "sound; garbage goes",
    accepted,
  ),
  "B89 an entry without its blob": listing(
    (specimen) => specimen.list(described("nowhere", IMAGE), "evil"),
    "dangling; garbage goes",
    { expect: "NOT_FOUND" },
  ),
  "B89 entries that are no objects": listing(
    (specimen) => specimen.entries.push(null, 5, "x", [], {}),
    "layout; garbage stays (LAYOUT_INVALID)",
    accepted,
  ),
  "B89 annotations that are a list": listing(
    (specimen) => specimen.entries.push({ ...described("x", IMAGE), annotations: ["x"] }),
    "layout; garbage stays (LAYOUT_INVALID)",
    accepted,
  ),
  "B90 a blob that is a link to /etc/passwd": evil((path) => symlink("/etc/passwd", path), "unreadable; garbage goes"),
  "B90 a blob that is a link to another": evil(
    (path) => symlink(described(GOOD_LAYER, LAYER).digest as string, path),
    "unreadable; garbage goes",
  ),
  "B90 a blob that is a link to nothing": evil((path) => symlink("nowhere", path), "unreadable; garbage goes"),
  "B90 blobs as a link": replaced("blobs", (path) => symlink("../elsewhere", path)),
  "B90 blobs/sha256 as a link": replaced("blobs/sha256", (path) => symlink("../elsewhere", path)),
  "B91 a blob that is a directory": evil(mkdir, "unreadable; garbage goes"),
  "B91 a blob that is a fifo": evil(fifo, "unreadable; garbage goes"),
  "B91 blobs as a file": replaced("blobs", (path) => writeFile(path, "")),
  "B91 blobs/sha256 as a file": replaced("blobs/sha256", (path) => writeFile(path, "")),
  "B92 a blob with a second name": onDisk(async (directory) => {
    await link(join(directory, "index.json"), join(directory, "../index"));
    await link(join(directory, "oci-layout"), join(directory, "blobs/elsewhere"));
  }, "sound; garbage goes"),
  "B92 files that everybody may write to": onDisk(
    (directory) => chmod(join(directory, "index.json"), 0o777),
    "sound; garbage goes",
  ),
  "B93 files of others": listing(
    (specimen) => {
      for (const path of ["manifest.json", ".DS_Store", "blobs/sha256/tmp-x", "blobs/foo/x", "blobs/sha256/.nfs0001"])
        specimen.file(path, "theirs");
      specimen.file(`blobs/sha256/${"A".repeat(64)}`, "theirs");
      specimen.file(".ocistore/sessions/my notes", "theirs");
      specimen.file(".ocistore/trash/notes", "theirs");
    },
    "sound; garbage goes",
    accepted,
  ),
  "B94 a blob of other bytes and the right size": {
    ...listing(
      (specimen) => {
        const layer = specimen.blob("evil layer");
        specimen.image({ layers: [layer] });
        specimen.file(`blobs/${String(layer.digest).replace(":", "/")}`, "EVIL LAYER");
      },
      "corrupt; garbage goes",
      { expect: "CORRUPT" },
    ),
  },
});
