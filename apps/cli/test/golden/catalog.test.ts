import { test } from "vitest";
import { both, later, run, sampleStore, transcript } from "./transcript.ts";

test("index, stats, init", () =>
  transcript("index-stats", [
    sampleStore(),
    both("stats store"),
    run("index store"),
    run("index store"),
    run("index oci-archive:store.tar"),
    run("index nowhere"),
    both("stats store"),
    run("config set store window=1d"),
    run("untag oci:store:v1"),
    later(2),
    both("stats store"),
    both("gc -n store --full"),
    run("gc -y store --max-freed 20B"),
    run("gc -y store --max-time 1h"),
    both("stats store"),
    run("gc -n store --max-freed much"),
    run("init new --json"),
    run("init new"),
    run("init other --catalog postgres"),
    run("stats new"),
    run("init third --catalog none"),
    run("index third --json"),
  ]));
