import { killEach } from "../src/kill.ts";
import { GIVING } from "../src/mutants/index.ts";

killEach(GIVING);
