import { everyCallFails } from "../../src/every-call.ts";
import { pushing } from "../../src/operations.ts";

everyCallFails(pushing);
