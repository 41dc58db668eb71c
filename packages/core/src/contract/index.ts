export * from "./blob-store.ts";
export * from "./catalog.ts";
export { checkedPolicy, checkedTime } from "./checked.ts";
export * from "./document-cell.ts";
export * from "./environment.ts";
export * from "./placement.ts";
export { systemEnvironment } from "./system-environment.ts";
