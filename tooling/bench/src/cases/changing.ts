import type { Case, Contestant, Place } from "../case.ts";
import { TWIN } from "../layout/generate.ts";
import { blobsIn } from "../workspace.ts";
import { bothOfOurs, peer, shell } from "./contestants.ts";
import { grouped, SEED, sized } from "./sized.ts";

const at = ({ directory, made }: Place) => `${directory}:${made.tag}`;

export const push: Case = {
  name: "push",
  title: "Push small manifests, each with a tag",
  about:
    "Manifests without layers, one after the other, each acknowledged before the next. Ours is durable then: bytes, directory and index.json are synced for each; oras-go syncs nothing. The figure is for one push. Fewer are pushed to larger layouts.",
  settings: (workspace, scale) =>
    scale.sizes.map((blobs) => {
      const count = Math.max(20, Math.round((scale.pushes * scale.sizes[0]!) / blobs));
      const contestants = [
        ...bothOfOurs("`session.putManifest`, with a tag", ({ directory }) => ["push", directory, `${count}`]),
        peer("oras-go", "`Push`, `Tag`", ({ directory }) => ["oras-go", "push", directory, `${count}`]),
      ];
      return {
        label: `${grouped(count)} into ${grouped(blobs)} blobs`,
        contestants,
        count,
        place: async ({ hasCatalog }) => {
          const plain = workspace.layout({ blobs, seed: SEED });
          return workspace.copyOf(hasCatalog ? await workspace.withCatalog(plain) : plain);
        },
      };
    }),
  leftOut: [
    ["regctl", "a process for each push, and a collection at its end"],
    ["umoci, skopeo", "push images, not manifests"],
  ],
};

const deleting: readonly Contestant[] = [
  ...bothOfOurs("`repository.delete`", ({ directory, made }) => ["delete", directory, made.tag]),
  peer("oras-go", "`Resolve`, `Delete`", ({ directory, made }) => ["oras-go", "delete", directory, made.tag]),
  shell("umoci", "`umoci rm`, `umoci gc`", (place) => [
    'umoci rm --image "$0"; umoci gc --layout "$1"',
    at(place),
    place.directory,
  ]),
  peer("regctl", "`regctl tag delete`", (place) => ["regctl", "tag", "delete", `ocidir://${at(place)}`]),
];

export const deletion: Case = {
  name: "delete",
  title: "Delete an image by its tag",
  about: "With what only it held: manifest, config, a signature and its payload, and no layer.",
  settings: (workspace, scale) =>
    sized(workspace, scale, {
      contestants: deleting,
      changes: true,
      outcome: ({ directory, made }) => `${grouped(made.blobs - blobsIn(directory))} blobs gone`,
    }),
  leftOut: [
    ["skopeo", "this version deletes from registries only"],
    ["crane", "has no such command for a layout"],
  ],
};

export const gc: Case = {
  name: "gc",
  title: "Collect, a tenth being garbage",
  about: "Nothing leads to a tenth of the blobs; all of it is old enough.",
  settings: (workspace, scale) =>
    sized(workspace, scale, {
      garbage: 0.1,
      changes: true,
      contestants: [
        ...bothOfOurs("`collect({ grace: 0 })`", ({ directory }) => ["gc", directory]),
        peer("oras-go", "`GC`", ({ directory }) => ["oras-go", "gc", directory]),
        peer("umoci", "`umoci gc`", ({ directory }) => ["umoci", "gc", "--layout", directory]),
        peer("crane", "`crane layout gc`", ({ directory }) => ["crane", "layout", "gc", directory]),
        peer("regctl", "`regctl tag delete` of a tag whose image has another", ({ directory }) => [
          "regctl",
          "tag",
          "delete",
          `ocidir://${directory}:${TWIN}`,
        ]),
      ],
      outcome: ({ directory, made }) => {
        const left = blobsIn(directory) - made.live;
        if (left === 0) return "all garbage gone";
        return left > 0 ? `${grouped(left)} of ${grouped(made.blobs - made.live)} left` : `${grouped(-left)} live lost`;
      },
    }),
  leftOut: [["skopeo", "has no such command"]],
};
