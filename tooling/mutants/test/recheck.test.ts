import { killEach } from "../src/kill.ts";
import { RECHECK } from "../src/mutants/index.ts";

killEach(RECHECK);
