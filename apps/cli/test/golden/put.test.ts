import { test } from "vitest";
import { text } from "../harness.ts";
import { both, later, run, transcript, write } from "./transcript.ts";

test("init", () =>
  transcript("init", [
    run("init store --catalog none"),
    run("init store --catalog none"),
    run("init other --shared --grace 2h --catalog none --json"),
    run("init"),
    run("init third --window soon"),
    run("init oci-archive:x.tar --json"),
    run("config get store"),
  ]));

test("push", () =>
  transcript("push", [
    write("notes.txt", "hello\n"),
    write("report.json", "{}\n"),
    run(
      "push oci:store:v1 notes.txt report.json:application/json --artifact-type application/vnd.example --tag latest",
      {
        keep: "v1",
      },
    ),
    run("push oci:store:v2 notes.txt --annotation a=b --json"),
    later(1),
    both("ls oci:store"),
    both("inspect oci:store@$v1"),
    run("push oci:store:configured report.json --config notes.txt:text/plain", { keep: "configured" }),
    run("manifest get oci:store@$configured"),
    run("push oci:store:piped - --config report.json --artifact-type application/vnd.example --json", {
      piped: text("from a pipe\n"),
    }),
    run("push oci:store:piped -", { piped: text("from a pipe\n") }),
    run("push oci:store:piped - -", { piped: text("from a pipe\n") }),
    run("pull oci:store:piped -o out"),
    run("push oci:store:v3 nothing.txt"),
    run("push oci:store:v3 notes.txt --config nothing.json"),
    run("push oci:store:v3 notes.txt --config report.json:application/vnd.oci.empty.v1+json"),
    run("push oci:store@$v1 notes.txt --json"),
    run("push store:v1 notes.txt"),
    run("push oci:store:v1"),
    run("push oci:store:v1 notes.txt --artifact-type none"),
    run("push oci:store:v1 notes.txt --nope"),
  ]));
