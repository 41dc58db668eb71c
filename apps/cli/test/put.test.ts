import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf } from "@ocistore/core";
import { expect, test } from "vitest";
import { cli, sample, snapshot, temporary, text } from "./harness.ts";

test("init --catalog none: a new store that is a layout and nothing else, with a policy", async () => {
  const cwd = await temporary();
  const init = (...argv: string[]) => cli(["init", ...argv, "--catalog", "none"], { cwd });
  const plain = await init("one");
  expect(plain).toMatchObject({ exit: 0, out: "oci:one  grace 1h, window 0\n", err: "" });
  const shared = await init("oci:two", "--shared", "--json");
  const DAY = 86_400_000;
  expect(shared.json).toEqual([
    { initialized: join(cwd, "two"), policy: { grace: DAY, window: DAY, wait: 0 }, catalog: "none" },
  ]);
  const own = await init("three", "--grace", "15m", "--window", "7d");
  expect(own.out).toBe("oci:three  grace 15m, window 7d\n");
  const again = await init("one");
  expect(again.exit).toBe(2);
  await mkdir(join(cwd, "full"));
  await writeFile(join(cwd, "full", "file"), "");
  expect((await init("full")).exit).toBe(1);
  expect((await init("full", "--json")).err).toMatch(/^\{"error":\{"code":"LAYOUT_INVALID","message":/);
});

test("push: an artifact of files, with titles, types, annotations and tags", async () => {
  const cwd = await temporary();
  await writeFile(join(cwd, "a.txt"), "A");
  await writeFile(join(cwd, "b.json"), "{}");
  await writeFile(join(cwd, "odd:name"), "odd");
  await writeFile(join(cwd, "typed:text"), "");
  const argv = ["push", "oci:store:v1", "a.txt", "b.json:application/json", "--artifact-type", "test/thing"];
  const more = ["--annotation", "who=me", "--annotation", "eq=a=b", "--tag", "latest", "--tag", "v1"];
  const { exit, out, err } = await cli([...argv, ...more], { cwd });
  expect(exit).toBe(0);
  expect(err).toContain(`stored a.txt  1 B  ${digestOf(text("A"))}\n`);
  expect(err).toContain("tagged v1\ntagged latest\n");
  expect(out).toMatch(/^oci:store@sha256:[0-9a-f]{64}\n$/);
  const [inspected] = (await cli(["inspect", out.trim(), "--json"], { cwd })).json;
  expect(inspected).toMatchObject({
    kind: "artifact",
    artifactType: "test/thing",
    tags: ["latest", "v1"],
    annotations: { who: "me", eq: "a=b" },
    layers: [
      { mediaType: "application/octet-stream", size: 1, annotations: { "org.opencontainers.image.title": "a.txt" } },
      { mediaType: "application/json", size: 2, annotations: { "org.opencontainers.image.title": "b.json" } },
    ],
  });
  const again = await cli([...argv, "--json"], { cwd });
  expect(again.json).toEqual([
    {
      pushed: expect.stringMatching(/^sha256:/),
      size: expect.any(Number),
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      artifactType: "test/thing",
      tags: ["v1"],
      layers: [digestOf(text("A")), digestOf(text("{}"))],
    },
  ]);
  // A file of the whole name is meant before a type, and no file has such a name on Windows.
  const odd = await cli(["push", "oci:store:odd", "odd:name"], { cwd });
  expect(odd).toMatchObject({ exit: 2, err: expect.stringContaining('"odd:name" names no file') });
  const bare = await cli(["push", "oci:store", "a.txt"], { cwd });
  expect(bare.exit).toBe(0);
  const named = await cli(["push", "v2", "b.json", "--store", "oci:store"], { cwd });
  expect(named.exit).toBe(0);
  expect((await cli(["ls", "store", "--json"], { cwd })).json.map(({ ref }) => ref)).toEqual([
    "latest",
    "v1",
    "v2",
    null,
  ]);
});

test("push: a config of one's own, which says what the artifact is", async () => {
  const cwd = await temporary();
  await writeFile(join(cwd, "config.json"), '{"a":1}');
  await writeFile(join(cwd, "a.txt"), "A");
  const digest = digestOf(text('{"a":1}'));
  const pushed = async (...argv: string[]) => {
    const { exit, json } = await cli(["push", "oci:store:v1", ...argv, "--json", "-q"], { cwd });
    expect(exit).toBe(0);
    expect(json[0]).toMatchObject({ config: digest });
    const manifest = JSON.parse((await cli(["manifest", "get", "oci:store:v1"], { cwd })).out);
    expect(manifest.config).toEqual({ mediaType: expect.any(String), digest, size: 7 });
    return { type: manifest.config.mediaType, is: manifest.artifactType, layers: manifest.layers.length };
  };
  const unknown = "application/vnd.unknown.config.v1+json";
  expect(await pushed("a.txt", "--config", "config.json")).toEqual({ type: unknown, is: undefined, layers: 1 });
  const typed = await pushed("a.txt", "--config", "config.json:test/config", "--artifact-type", "test/thing");
  expect(typed).toEqual({ type: "test/config", is: "test/thing", layers: 1 });
  // Nothing but a config: a layer that says there is none, as the specification advises.
  expect(await pushed("--config", "config.json:test/config")).toEqual({
    type: "test/config",
    is: undefined,
    layers: 1,
  });
  const image = "application/vnd.oci.image.config.v1+json";
  expect(await pushed("--config", `config.json:${image}`)).toEqual({ type: image, is: undefined, layers: 0 });
  expect((await cli(["fsck", "store"], { cwd })).exit).toBe(0);

  const wrong = async (...argv: string[]) => (await cli(["push", "oci:store:v1", ...argv], { cwd })).exit;
  expect(await wrong("a.txt", "--config", "nothing.json")).toBe(3);
  expect(await wrong("a.txt", "--config", ".")).toBe(1);
  expect(await wrong("a.txt", "--config", "config.json:application/vnd.oci.empty.v1+json")).toBe(2);
});

test("push: from stdin, however much there is: a layer without a title, or the config", async () => {
  const cwd = await temporary();
  const all = new Uint8Array(3_000_000).fill(7);
  await writeFile(join(cwd, "a.txt"), "A");
  const argv = ["push", "oci:store:v1", "a.txt", "-", "--json"];
  const { json, err } = await cli(argv, { cwd, piped: all });
  expect(json[0]).toMatchObject({ layers: [digestOf(text("A")), digestOf(all)] });
  expect(err).toContain(`{"stored":"${digestOf(all)}","size":3000000}\n`);
  expect((await cli(["blob", "get", `oci:store@${digestOf(all)}`], { cwd })).bytes.equals(all)).toBe(true);
  const { layers } = JSON.parse((await cli(["manifest", "get", "oci:store:v1"], { cwd })).out);
  expect(layers[1]).toEqual({ mediaType: "application/octet-stream", digest: digestOf(all), size: 3_000_000 });

  const piped = text("{}");
  const typed = await cli(["push", "oci:store:v2", "--json", "--", "-:text/plain"], { cwd, piped });
  expect(typed.json[0]).toMatchObject({ layers: [digestOf(piped)] });
  const config = await cli(["push", "oci:store:v3", "a.txt", "--config", "-:test/config", "--json"], { cwd, piped });
  expect(config.json[0]).toMatchObject({ config: digestOf(piped), artifactType: "test/config" });
  const attach = ["attach", "oci:store:v1", "-", "--artifact-type", "test/note", "--json"];
  expect((await cli(attach, { cwd, piped })).json[0]).toMatchObject({ layers: [digestOf(piped)] });

  const types = async (tag: string) => JSON.parse((await cli(["manifest", "get", `oci:store:${tag}`], { cwd })).out);
  expect((await types("v2")).layers[0].mediaType).toBe("text/plain");
  // A file of this name is another path.
  await writeFile(join(cwd, "-"), "dash");
  expect((await cli(["push", "oci:store:v4", "./-", "--json"], { cwd })).json[0]).toMatchObject({
    layers: [digestOf(text("dash"))],
  });
  for (const twice of [
    ["-", "-"],
    ["-", "--config", "-"],
  ]) {
    const refused = await cli(["push", "oci:other:v1", ...twice], { cwd, piped });
    expect(refused).toMatchObject({
      exit: 2,
      err: "ocistore: - is there more than once — stdin can be read only once\n",
    });
  }
  expect((await cli(["ls", "oci:other"], { cwd })).exit).toBe(3);
});

test("push: what is wrong is said", async () => {
  const cwd = await temporary();
  await writeFile(join(cwd, "a"), "A");
  expect((await cli(["push", "oci:store:v1", "nothing"], { cwd })).exit).toBe(3);
  expect((await cli(["push", "oci:store:v1", "."], { cwd })).exit).toBe(1);
  expect((await cli(["push", "oci:store:v1"], { cwd })).exit).toBe(2);
  expect((await cli(["push", "oci:store:v1", "a", "--annotation", "x"], { cwd })).exit).toBe(2);
  expect((await cli(["push", "oci:store:v1", "a", "--artifact-type", "x"], { cwd })).exit).toBe(2);
  expect((await cli(["push", "oci:store:v1", "a", "--tag", "-x"], { cwd })).exit).toBe(2);
  expect((await cli(["push", `oci:store@sha256:${"0".repeat(64)}`, "a"], { cwd })).exit).toBe(2);
  expect((await cli(["push", "oci:.:v1", "a"], { cwd })).exit).toBe(1);
});

test("tag and untag", async () => {
  const { cwd, directory, v1, v2 } = await sample();
  const tagged = await cli(["tag", "oci:store:v1", "latest", "example.com/app:v1", "v2", "--json"], { cwd });
  expect(tagged.json).toEqual([
    { tagged: "latest", digest: v1.digest },
    { tagged: "example.com/app:v1", digest: v1.digest },
    { tagged: "v2", digest: v1.digest, was: v2.digest },
  ]);
  expect((await cli(["tag", `oci:store@${v2.digest}`, "v2"], { cwd })).out).toBe(`v2 -> ${v2.digest}\n`);
  expect((await cli(["tag", "oci:store:v1", "oci:store:x"], { cwd })).exit).toBe(2);
  expect((await cli(["tag", "oci:store:nope", "x"], { cwd })).exit).toBe(3);
  expect((await cli(["tag", "oci:store:v1", "bad tag"], { cwd })).exit).toBe(2);
  expect((await cli(["tag", `oci:store@${v1.digest.slice(0, 20)}`, "x"], { cwd })).exit).toBe(2);

  const untagged = await cli(["untag", "oci:store:example.com/app:v1"], { cwd });
  expect(untagged.out).toBe(`untagged example.com/app:v1  ${v1.digest}\n`);
  expect(untagged.err).toContain("`ocistore gc oci:store` frees what only it held");
  expect((await cli(["untag", "latest", "--store", "store", "--json"], { cwd })).json).toEqual([
    { untagged: "latest", digest: v1.digest },
  ]);
  expect((await cli(["untag", "oci:store:latest"], { cwd })).exit).toBe(3);
  expect((await cli(["untag", `oci:store@${v1.digest}`], { cwd })).exit).toBe(2);
  expect(await readFile(join(directory, "index.json"), "utf8")).not.toContain("latest");
});

test("version, help, and words that are none", async () => {
  const before = await cli(["version", "--json"]);
  expect(before.json).toEqual([{ version: expect.stringMatching(/^\d/), node: process.version }]);
  expect((await cli(["version"])).out).toMatch(/^ocistore \d.* \(node v\d/);
  expect((await cli(["--version"])).exit).toBe(0);
  const help = await cli(["rm", "--help"]);
  expect(help).toMatchObject({ exit: 0, err: "", out: expect.stringContaining("--keep-children") });
  expect((await cli([])).exit).toBe(2);
  expect(await cli(["lss"])).toMatchObject({
    exit: 2,
    out: "",
    err: "ocistore: unknown command 'lss' — perhaps ls; see --help\n",
  });
  const wrong = await cli(["ls", "--bogus", "--json"]);
  expect(wrong.exit).toBe(2);
  expect(JSON.parse(wrong.err)).toEqual({
    error: { code: "USAGE", message: "unknown option '--bogus'", hint: "see --help" },
  });
});

test("the verbs that only look change nothing, times included", async () => {
  const { cwd, directory, v1 } = await sample();
  const before = await snapshot(directory);
  const place = "oci:store";
  for (const argv of [
    ["ls", place],
    ["ls", place, "--all", "--json"],
    ["inspect", `${place}:v1`],
    ["tree", `${place}:v1`],
    ["tree", place],
    ["why", `${place}@${v1.digest}`],
    ["roots", place],
    ["du", place],
    ["fsck", place],
    ["graph", place],
    ["gc", "-n", place],
    ["rm", "-n", `${place}:v1`],
    ["walkthrough", place],
  ]) {
    expect({ argv, exit: (await cli(argv, { cwd })).exit }).toEqual({ argv, exit: 0 });
    expect(await snapshot(directory)).toEqual(before);
  }
});
