import { everyCallFails } from "../../src/every-call.ts";
import { checking } from "../../src/operations.ts";

everyCallFails(checking);
