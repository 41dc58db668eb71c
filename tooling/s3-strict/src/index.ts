export type { Bucket } from "./bucket.ts";
export type { Operation } from "./operations/index.ts";
export { type Asked, type Fault, type StrictOptions, type StrictServer, strictServer } from "./server.ts";
