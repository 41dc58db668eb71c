import { everyCallFails } from "../../src/every-call.ts";
import { collecting } from "../../src/operations.ts";

everyCallFails(collecting);
