import type { Case } from "../case.ts";
import { digestOfMadeUp } from "../layout/generate.ts";
import { bare, ours, peer, shell } from "./contestants.ts";
import { grouped } from "./sized.ts";

const MIB = 2 ** 20;
const NONE = { tag: "", blobs: 0, manifests: 0, live: 0 };

export const blob: Case = {
  name: "blob",
  title: "Push a large blob",
  about:
    "From memory, where the program can. The limit is the slower of hashing alone and of writing and syncing alone. oras-go syncs nothing.",
  settings: (workspace, { bytes }) => {
    const digest = digestOfMadeUp(bytes);
    const size = `${bytes}`;
    return [
      {
        label: `${grouped(bytes / MIB)} MiB`,
        bytes,
        place: async () => workspace.empty(NONE),
        contestants: [
          ours("`session.putBlob`", ({ directory }) => ["blob", directory, size]),
          bare("hash alone", "sha256", () => ["hash", size]),
          bare("write and sync alone", "`write`, `fsync`", ({ directory }) => ["write", directory, size]),
          peer("oras-go", "`Push`", ({ directory }) => ["oras-go", "blob", directory, size, digest]),
        ],
      },
    ];
  },
  leftOut: [
    ["regctl", "`blob put` takes a layout for a registry's repository and collects at its end"],
    ["umoci, skopeo", "push images, not blobs"],
  ],
};

export const copyLarge: Case = {
  name: "copy-large",
  title: "Copy a large image",
  about: "Four layers, into a new layout. Ours and skopeo sync what they write; oras-go and regctl do not.",
  settings: (workspace, { bytes }) => [
    {
      label: `${grouped(bytes / MIB)} MiB`,
      bytes,
      place: async () => workspace.empty(workspace.large(bytes).made),
      contestants: copying(workspace.large(bytes).directory),
    },
  ],
  leftOut: [["umoci", "copies nothing"]],
};

export const copyMany: Case = {
  name: "copy-many",
  title: "Copy many small images",
  about: "One index, of which each image has a layer of its own and shares two, into a new layout.",
  settings: (workspace, { images }) => [
    {
      label: `${grouped(images)} images`,
      count: images,
      place: async () => workspace.empty(workspace.many(images).made),
      contestants: copying(workspace.many(images).directory),
    },
  ],
  leftOut: [["umoci", "copies nothing"]],
};

function copying(from: string) {
  return [
    ours("`copy`", ({ directory, made }) => ["copy", from, made.tag, directory]),
    peer("oras-go", "`oras.Copy`", ({ directory, made }) => ["oras-go", "copy", from, made.tag, directory]),
    peer("skopeo", "`skopeo copy --all`", ({ directory, made }) => [
      "skopeo",
      "--insecure-policy",
      "copy",
      "--all",
      "--quiet",
      `oci:${from}:${made.tag}`,
      `oci:${directory}:${made.tag}`,
    ]),
    peer("regctl", "`regctl image copy`", ({ directory, made }) => [
      "regctl",
      "image",
      "copy",
      `ocidir://${from}:${made.tag}`,
      `ocidir://${directory}:${made.tag}`,
    ]),
    {
      ...shell("cp", "`cp -r`, `sync`", ({ directory }) => ['cp -r "$0" "$1"; sync -f "$1"', from, directory]),
      isBare: true,
    },
  ];
}
