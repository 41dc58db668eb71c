import { test } from "vitest";
import { gate } from "../../src/gate.ts";

test("random schedules of random processes", () => gate("sqlite-fixed", 60));
