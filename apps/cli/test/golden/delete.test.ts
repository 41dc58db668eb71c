import { test } from "vitest";
import { both, later, run, sampleStore, transcript, write } from "./transcript.ts";

const NOTHING = `sha256:${"0".repeat(64)}`;

test("tag, untag", () =>
  transcript("tag-untag", [
    sampleStore(),
    run("tag oci:store:v1 latest stable"),
    run("tag oci:store:v2 latest"),
    run("tag oci:store@$v1 latest --json"),
    run("untag oci:store:latest"),
    run("untag oci:store:stable --json"),
    run("tag oci:store:nope latest"),
    run(`tag oci:store@${NOTHING} latest --json`),
    run("tag oci:store@sha256:00000000 latest"),
    run("tag oci:store:v1 oci:store:latest"),
    run("tag oci:store:v1 ''"),
    run("tag oci:store:v1"),
    run("untag oci:store:latest"),
    run("untag oci:store@$v1"),
    run("untag oci:nowhere:v1"),
  ]));

test("rm", () =>
  transcript("rm", [
    sampleStore(),
    run("rm oci:store:v1"),
    both("rm -n oci:store:v1"),
    run("rm oci:store:v1", { typed: "no\n" }),
    run("rm oci:store@$amd64 -y"),
    run("rm oci:store@$amd64 -y --json"),
    run("rm oci:store:nope -y"),
    run("rm oci:store:nope -f"),
    run("rm oci:store:v2 --save-plan plan.json"),
    run("rm --apply plan.json store --yes --json"),
    run("rm --apply plan.json store --yes"),
    run("rm oci:store:v1 --keep-children", { typed: "y\n" }),
    run("ls --all store"),
    run("rm oci:store@sha256:00000000 -y"),
    run("rm"),
    run("rm oci:store:v1 oci:other:v1 -y"),
  ]));

test("gc", () =>
  transcript("gc", [
    sampleStore(),
    run("gc -y store"),
    run("untag oci:store:v1"),
    both("gc -y store"),
    later(2),
    run("gc store"),
    both("gc -n store"),
    run("gc store", { typed: "\n" }),
    run("gc store --save-plan plan.json"),
    run("gc --apply plan.json store -y --json"),
    run("gc -y store"),
    write("rules.json", '[{"match":["pr-*"],"keep":{"newest":1},"or":[]}]'),
    run("gc -n store --retention rules.json"),
    write("rules.json", '[{"match":["v*"],"keep":"all"},{"match":["pr-*"],"keep":"none"}]'),
    run("tag oci:store:v2 pr-1"),
    both("gc --explain store --retention rules.json"),
    run("gc -y store --retention rules.json"),
    run("gc -y store --grace soon"),
    run("gc -y store --grace 0"),
    run("gc --apply nothing.json store -y"),
    run("gc -y nowhere"),
    run("gc -y"),
  ]));

test("undo, trash", () =>
  transcript("undo-trash", [
    sampleStore(),
    run("undo store"),
    run("config set store window=7d"),
    both("trash ls store"),
    run("undo store"),
    run("rm oci:store:v1 -y", { keep: "gone" }),
    later(3),
    both("trash ls store"),
    both("why oci:store@$own"),
    run("tag oci:store:v2 v1"),
    run("undo store"),
    run("undo store --leave-tags"),
    run("untag oci:store:v1"),
    run("rm oci:store:v2 -y --json"),
    run("undo store --json"),
    run("rm oci:store:v2 -y"),
    run("trash empty store"),
    run("trash empty store", { typed: "y\n" }),
    run("trash empty store -y --json"),
    run("undo store"),
    run("undo 0123456789abcdef0123456789abcdef store --json"),
    run("undo nonsense store"),
    run("undo --leave-tags --take-tags store"),
    run("trash"),
  ]));
