import { killEach } from "../src/kill.ts";
import { SQL } from "../src/mutants/index.ts";

killEach(SQL);
