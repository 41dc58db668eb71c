import { killEach } from "../src/kill.ts";
import { SIMULATED } from "../src/mutants/simulated.ts";

killEach(SIMULATED);
