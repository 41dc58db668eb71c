export * from "./mark.ts";
export * from "./node.ts";
export * from "./search.ts";
