import { rm, writeFile } from "node:fs/promises";
import { PassThrough } from "node:stream";
import type { Digest } from "@ocistore/core";
import { expect, test } from "vitest";
import { CopyProgress } from "../src/copy-output.ts";
import { Progress } from "../src/output/progress.ts";
import { bar } from "../src/output/words.ts";
import { run } from "../src/run.ts";
import { Interrupted } from "../src/signals.ts";
import { cli, sample } from "./harness.ts";

const CLEAR = "\r\x1b[K";

/** What is left to see once all is written, each line as wide as it is. */
const seen = (written: string) => written.split("\n").map((line) => line.split(CLEAR).at(-1));

function drawnOn(columns?: number) {
  const stream = Object.assign(new PassThrough(), { columns });
  const written = () => String(stream.read() ?? "");
  const time = { now: 1000 };
  return { progress: new Progress(stream, () => time.now), written, time };
}

test.each([
  ["cp oci:store:v1 oci:other", /Manifests: \d\/\d \| Blobs: [\d.]+ k?B copied, [\d.]+ k?B skipped/],
  ["export oci:store -o all.tar", /[\d.]+ k?B of [\d.]+ kB/],
  ["fsck store", /\d+ blobs?, [\d.]+ k?B/],
  ["rm -y oci:store:v1", /1 of 7 digests/],
  ["blob put oci:store all", /reading all {2}3 B/],
  ["push oci:store:new all", /all {2}3 B of 3 B/],
])("on a terminal `%s` says how far it is, and nothing of that is left", async (line, expected) => {
  const { cwd } = await sample();
  await writeFile(`${cwd}/all`, "all");
  const { exit, err } = await cli(line.split(" "), { cwd, typed: "" });
  expect(exit).toBe(0);
  expect(err).toMatch(expected);
  expect(seen(err).join("\n")).not.toMatch(expected.source.startsWith("Manifests") ? /^Manifests: .*\n.+/m : expected);
  expect(seen(err).at(-1)).toBe("");
});

test.each([
  ["with --no-progress", ["--no-progress"], {}],
  ["with -q", ["-q"], {}],
  ["with --json", ["--json"], {}],
  ["on a terminal that cannot", [], { TERM: "dumb" }],
])("none %s", async (_, flags, env) => {
  const { cwd } = await sample();
  const { exit, err } = await cli(["cp", "oci:store:v1", "oci:other", ...flags], { cwd, typed: "", env });
  expect([exit, err]).toEqual([0, expect.not.stringContaining(CLEAR)]);
});

test("none of it is left by an error, nor by an abort", async () => {
  const { cwd, directory, shared } = await sample();
  await rm(`${directory}/blobs/sha256/${shared.digest.slice(7)}`);
  const failed = await cli(["cp", "oci:store:v1", "oci:other"], { cwd, typed: "" });
  expect(failed.exit).not.toBe(0);
  expect(failed.err).toContain(CLEAR);
  expect(seen(failed.err)).toEqual([expect.stringMatching(/^ocistore: source: /), ""]);

  const stopping = new AbortController();
  let err = "";
  const stderr = Object.assign(new PassThrough(), { isTTY: true }).on("data", (chunk) => {
    err += chunk;
    stopping.abort(new Interrupted("SIGINT"));
  });
  const { signal } = stopping;
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  expect(await run(["fsck", "store"], { stdin, stdout, stderr, env: {}, cwd, signal })).toBe(130);
  expect(seen(err)).toEqual([expect.stringMatching(/^ocistore: interrupted/), ""]);

  const { progress, written, time } = drawnOn();
  progress.show(() => "half-way");
  progress.stop();
  time.now += 1000;
  progress.show(() => "still at it");
  expect(written()).toBe(`${CLEAR}half-way${CLEAR}`);
});

test("it fits into one line, whatever the width", () => {
  const text = (columns: number | undefined, line: string) => {
    const { progress, written } = drawnOn(columns);
    progress.show(() => line);
    return written().slice(CLEAR.length);
  };
  expect(text(20, "Manifests: 3/4 | Blobs")).toBe("Manifests: 3/4 | B…");
  expect(text(20, "exactly 19 letters.")).toBe("exactly 19 letters.");
  expect(text(1, "x")).toBe("");
  expect(text(undefined, "y".repeat(90))).toHaveLength(79);
  expect(text(40, "a\nb\x1b[2J")).toBe("a\\u{a}b\\u{1b}[2J");
  // Columns of a terminal are counted, and what is one character to a reader is not cut.
  expect(text(10, "日本語の名前")).toBe("日本語の…");
  expect(text(11, "日本語の名前")).toBe("日本語の…");
  expect(text(13, "日本語の名前")).toBe("日本語の名前");
  expect(text(5, "📦📦📦")).toBe("📦…");
  expect(text(6, "e\u0301e\u0301e\u0301e\u0301e\u0301")).toBe("e\u0301e\u0301e\u0301e\u0301e\u0301");
  expect(text(5, "e\u0301e\u0301e\u0301e\u0301e\u0301")).toBe("e\u0301e\u0301e\u0301…");
});

test("what was never drawn is never cleared", () => {
  const { progress, written, time } = drawnOn();
  progress.clear();
  progress.show(() => "1");
  progress.clear();
  progress.clear();
  // So soon after the first one nothing is drawn.
  time.now += 99;
  progress.show(() => "2");
  time.now += 1;
  progress.show(() => "3");
  progress.stop();
  expect(written()).toBe(`${CLEAR}1${CLEAR}${CLEAR}3${CLEAR}`);
});

test("a bar is as full as the work is done", () => {
  expect([bar(0, 10), bar(5, 10), bar(10, 10), bar(11, 10), bar(0, 0)]).toEqual([
    `[${".".repeat(20)}]`,
    `[${"#".repeat(10)}${".".repeat(10)}]`,
    `[${"#".repeat(20)}]`,
    `[${"#".repeat(20)}]`,
    `[${"#".repeat(20)}]`,
  ]);
});

test("the bar of a copy counts what has come, what is there and what is under way, of all that was found", () => {
  const progress = new CopyProgress();
  const digest = (n: number) => `sha256:${String(n).repeat(64)}` as Digest;
  const blob = (n: number, size: number) => ({ kind: "blob", descriptor: { digest: digest(n), size } }) as const;
  for (const [n, size] of [
    [1, 50],
    [2, 25],
    [3, 25],
  ] as const)
    progress.note({ event: "found", ...blob(n, size) });
  progress.note({ event: "skipped", ...blob(2, 25) });
  progress.note({ event: "copying", bytes: 25, ...blob(1, 50) });
  expect(progress.text()).toBe(
    `[${"#".repeat(10)}${".".repeat(10)}] Manifests: 0/0 | Blobs: 25 B copied, 25 B skipped`,
  );
  progress.note({ event: "copied", ...blob(1, 50) });
  progress.note({ event: "copied", ...blob(3, 25) });
  expect(progress.text()).toContain(`[${"#".repeat(20)}] Manifests: 0/0 | Blobs: 75 B copied`);
});
