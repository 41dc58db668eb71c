import { killEach } from "../src/kill.ts";
import { DURABILITY } from "../src/mutants/index.ts";

killEach(DURABILITY);
