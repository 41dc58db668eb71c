import { killEach } from "../src/kill.ts";
import { ORDER } from "../src/mutants/index.ts";

killEach(ORDER);
