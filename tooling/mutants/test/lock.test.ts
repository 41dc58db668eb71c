import { killEach } from "../src/kill.ts";
import { LOCK } from "../src/mutants/index.ts";

killEach(LOCK);
