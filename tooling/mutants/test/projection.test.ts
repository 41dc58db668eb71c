import { killEach } from "../src/kill.ts";
import { PROJECTED } from "../src/mutants/index.ts";

killEach(PROJECTED);
