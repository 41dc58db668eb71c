export { FlowGraph } from "./mark.ts";
export * from "./node.ts";
export { NodeTable } from "./node-table.ts";
export * from "./search.ts";
