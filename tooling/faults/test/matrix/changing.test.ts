import { everyCallFails } from "../../src/every-call.ts";
import { changing } from "../../src/operations.ts";

everyCallFails(changing);
