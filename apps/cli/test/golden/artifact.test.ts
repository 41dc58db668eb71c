import { test } from "vitest";
import { text } from "../harness.ts";
import { both, later, run, sampleStore, transcript, write } from "./transcript.ts";

const NOTHING = `sha256:${"0".repeat(64)}`;

test("attach, discover, referrers", () =>
  transcript("attach-discover-referrers", [
    sampleStore(),
    write("sbom.json", "{}\n"),
    run("attach oci:store:v1 sbom.json:application/json --artifact-type test/sbom", { keep: "sbom" }),
    run("attach oci:store@$sbom sbom.json --artifact-type test/signature --annotation by=me --json"),
    both("discover oci:store:v1"),
    run("discover oci:store:v1 --depth 1"),
    run("discover oci:store:v1 --artifact-type test/sbom"),
    both("referrers oci:store:v1"),
    run("referrers oci:store:v1 --artifact-type test/sbom"),
    both("referrers oci:store:v2"),
    both("discover oci:store:v2"),
    run(`attach oci:store@${NOTHING} sbom.json --artifact-type test/sbom`),
    run("attach oci:store:nope sbom.json --artifact-type test/sbom --json"),
    run("attach oci:store:v1 nothing.json --artifact-type test/sbom"),
    run("attach oci:store:v1 sbom.json"),
    run("attach oci:store:v1 sbom.json --artifact-type none"),
    run(`discover oci:store@${NOTHING}`),
    run("discover oci:store:nope"),
    run("referrers oci:store:nope --json"),
    run("discover oci:store:v1 --depth x"),
  ]));

test("pull", () =>
  transcript("pull", [
    write("notes.txt", "hello\n"),
    write("sub/report.json", "{}\n"),
    run("push oci:store:v1 notes.txt sub/report.json"),
    run("pull oci:store:v1 -o out"),
    run("pull oci:store:v1 -o out"),
    run("pull oci:store:v1 -o out --overwrite --json"),
    run("pull oci:store:v1 -o more --json"),
    run("pull oci:store:nope"),
    run(`pull oci:store@${NOTHING} --json`),
    sampleStore(),
    run("pull oci:store:v1 -o images"),
    run("pull oci:store:v1 -o images --platform linux/arm64"),
    run("pull oci:store:v1 -o images --platform windows/arm64"),
    run("pull oci:store:v2 -o images"),
    run("pull store"),
  ]));

test("tags, resolve", () =>
  transcript("tags-resolve", [
    sampleStore(),
    run("tag oci:store:v1 latest V0"),
    both("tags store"),
    run("tags store --last V0 --limit 1"),
    run("tags store --limit 0"),
    run("tags store --limit x"),
    both("resolve oci:store:v1"),
    run("resolve oci:store@sha256:174f8abb"),
    run("resolve oci:store@$shared"),
    run("resolve oci:store:nope"),
    run(`resolve oci:store@${NOTHING} --json`),
    run("resolve oci:store"),
    run("init empty --catalog none"),
    both("tags empty"),
    run("tags nowhere"),
  ]));

test("pin, unpin", () =>
  transcript("pin-unpin", [
    sampleStore(),
    run("pin oci:store:v1 release"),
    run("pin oci:store:v2 release --json"),
    run("pin oci:store@$shared base --for 7d"),
    run("pin oci:store@$own dated --until 2026-01-01T02:00:00Z --json"),
    both("roots store"),
    run("why oci:store@$shared"),
    later(3),
    both("roots store"),
    run("unpin store release"),
    run("unpin store base --json"),
    run("unpin store release"),
    run("unpin store dated --json"),
    run("pin oci:store:nope x"),
    run(`pin oci:store@${NOTHING} x --json`),
    run("pin oci:store:v1 x --for 1h --until 2027-01-01"),
    run("pin oci:store:v1 x --until soon"),
    run("pin oci:store:v1 x --until 2025-01-01"),
    run("pin oci:store:v1"),
  ]));

test("manifest", () =>
  transcript("manifest", [
    sampleStore(),
    run("manifest get oci:store:v2"),
    both("manifest get oci:store:v2 --descriptor"),
    run("manifest get oci:store:v2 -o v2.json"),
    run("manifest get oci:store:v2 -o v2.json --json"),
    run("manifest put oci:store:again v2.json --tag more"),
    run("manifest put oci:store v2.json --json"),
    run("manifest put oci:store:x -", { piped: text("{}") }),
    run("manifest put oci:store:x nothing.json"),
    run("manifest put oci:fresh:x v2.json --json"),
    run("manifest get oci:store:nope"),
    run("manifest get oci:store@$shared"),
    run("manifest rm oci:store:v1"),
    run("manifest rm oci:store@$shared -y"),
    run("manifest rm oci:store:v1 -y"),
    run(`manifest rm oci:store@${NOTHING} -y --json`),
    run("manifest"),
  ]));
