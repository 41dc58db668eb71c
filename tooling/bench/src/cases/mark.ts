import type { Case } from "../case.ts";
import { inNode } from "./contestants.ts";
import { grouped } from "./sized.ts";

const NONE = { tag: "", blobs: 0, manifests: 0, live: 0 };
const EDGES_OF_NODE = 3;

export const mark: Case = {
  name: "mark",
  title: "Mark a whole store",
  about:
    "The graph lies in typed arrays already; the figure is for sorting its edges and following them. Memory is that of the whole process, arrays and Node included.",
  settings: (_, { nodes }) => {
    const edges = nodes * EDGES_OF_NODE;
    const argv = (how: string) => () => [how, `${nodes}`, `${edges}`];
    return [
      {
        label: `${grouped(nodes)} nodes, ${grouped(edges)} edges`,
        place: async () => ({ directory: "", made: NONE }),
        contestants: [
          inNode("ocistore", "`FlowGraph.mark`", "mark", argv("flow"), { isTimedInside: true }),
          inNode("a bare search", "breadth first, over the same arrays", "mark", argv("bare"), {
            isTimedInside: true,
            isBare: true,
          }),
        ],
      },
    ];
  },
  leftOut: [["oras-go, umoci, skopeo, regctl", "walk documents on disk"]],
};
