export * from "./catalog/index.ts";
export * from "./contract/index.ts";
export * from "./copy/index.ts";
export { type ErrorCode, type ErrorData, isDamage, isOciStoreError, OciStoreError } from "./errors.ts";
export * from "./gc/index.ts";
export * from "./liveness/index.ts";
export * from "./memory/index.ts";
export * from "./model/index.ts";
export * from "./store/index.ts";
