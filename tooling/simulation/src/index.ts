export { Violation } from "./model.ts";
