import { killEach } from "../src/kill.ts";
import { CLAIM } from "../src/mutants/index.ts";

killEach(CLAIM);
