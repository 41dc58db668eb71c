import type { Case } from "../case.ts";
import { bare, bothOfOurs, peer } from "./contestants.ts";
import { sized } from "./sized.ts";

const NOT_ASKED = "has no such command for a layout";

export const open: Case = {
  name: "open",
  title: "Open a store and resolve a tag",
  about: "What every command pays before it does anything.",
  settings: (workspace, scale) =>
    sized(workspace, scale, {
      contestants: [
        ...bothOfOurs("`openLayout`, `resolve`", ({ directory, made }) => ["resolve", directory, made.tag]),
        peer("oras-go", "`oci.New`, `Resolve`", ({ directory, made }) => ["oras-go", "resolve", directory, made.tag]),
        peer("regctl", "`regctl manifest head`", ({ directory, made }) => [
          "regctl",
          "manifest",
          "head",
          `ocidir://${directory}:${made.tag}`,
        ]),
        bare("Node alone", "`node`, nothing", () => ["nothing"]),
      ],
    }),
  leftOut: [
    ["umoci", "opens a layout only to do something with an image"],
    ["skopeo", "`inspect` reads the config and asks for the list of tags as well"],
  ],
};

export const du: Case = {
  name: "du",
  title: "Who uses how much",
  about: "All roots with what each has alone and shares, of the whole layout.",
  settings: (workspace, scale) =>
    sized(workspace, scale, {
      contestants: [
        ...bothOfOurs("`usage`", ({ directory }) => ["du", directory]),
        bare("a look at each file", "`readdir`, `lstat`", ({ directory }) => ["look", directory]),
      ],
    }),
  leftOut: [["oras-go, umoci, skopeo, regctl", NOT_ASKED]],
};

export const fsck: Case = {
  name: "fsck",
  title: "Check everything",
  about: "Each manifest is read, what it names is looked for, and all bytes are held against their digests.",
  settings: (workspace, scale) =>
    sized(workspace, scale, {
      contestants: [
        ...bothOfOurs("`check`", ({ directory }) => ["fsck", directory]),
        bare("reading and hashing each file", "`readFile`, sha256", ({ directory }) => ["read", directory]),
      ],
    }),
  leftOut: [["oras-go, umoci, skopeo, regctl", NOT_ASKED]],
};
