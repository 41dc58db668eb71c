import { openMemory, packManifest } from "@ocistore/core";
import { type Call, type Line, not, type Row, rules, type Said, utf8 } from "../support/row.ts";
import { described, GOOD, IMAGE, type Specimen } from "../support/specimen.ts";

const good = described(JSON.stringify(GOOD), IMAGE);
const listed =
  (...names: readonly string[]) =>
  (specimen: Specimen) => {
    for (const name of names) specimen.list(good, name);
  };

/** Wherever the library takes the name of a tag to give it. */
const giving = (name: string): readonly Call[] => [
  ({ repository }) => repository.tag("good", name),
  ({ repository }) => repository.pin("good", name),
  ({ repository }) => repository.openSession("s").putManifest(utf8(JSON.stringify(GOOD)), { tags: [name] }),
];
/** Or to look for it, or take it away. */
const asking = (name: string): readonly Call[] => [
  ({ repository }) => repository.find(name),
  ({ repository }) => repository.untag(name),
  ({ repository }) => repository.delete(name),
];

const tagging = (name: string, expect = "2 REFERENCE_INVALID"): Line[] => [
  { argv: ["tag", "oci:store:good", "--", name], expect },
  {
    argv: ["manifest", "put", "oci:store", "good.json", `--tag=${name}`],
    files: { "good.json": utf8(JSON.stringify(GOOD)) },
    expect,
  },
];

/** No name that is given here, and kept where another tool has given it. */
const refused = (name: string): Row => ({
  library: { expect: "REFERENCE_INVALID", calls: [...giving(name), ...asking(name)] },
  taint: listed(name),
  layout: { expect: "sound; garbage goes" },
  archive: { expect: name === "" ? "accepted" : "REFERENCE_INVALID" },
  command: tagging(name),
});

const accepted = (name: string): Row => ({
  library: { expect: "accepted", calls: giving(name) },
  taint: listed(name),
  layout: { expect: "sound; garbage goes" },
  archive: { expect: "accepted" },
  command: tagging(name, "0"),
});

const DISTINCT = ["0.1.2", "0.1.20", "Latest", "V1", "latest", "v1", "v1-x", "v1.0"];
const distinct: Call = async ({ repository }) => {
  await repository.tag("good", [...DISTINCT].reverse());
  const names: string[] = [];
  for await (const { name } of repository.tags()) names.push(name);
  if (names.join() !== [...DISTINCT.slice(0, 4), "good", ...DISTINCT.slice(4)].join()) throw new Error(names.join());
};

const repositories = (expect: Said, names: readonly string[]): Row["library"] => ({
  expect,
  calls: names.map(
    (name): Call =>
      ({ store }) =>
        store.repository(name),
  ),
});
const onlyOne = {
  layout: not("one repository, without a name"),
  archive: not("the same"),
  command: not("no word for one"),
};

/** In a store that has repositories, names of files and of routes are names like others, and none is in the way of another. */
const FIXED = ["blobs", "manifests", "tags", "uploads", "index.json", "oci-layout", "ingest"];
const apart: Call = async () => {
  const store = await openMemory();
  const names = FIXED.flatMap((each) => [each, `a/${each}/b`]);
  for (const name of names) {
    await store.repository(name).session(async (session) => {
      await session.putManifest(packManifest({ artifactType: "application/x", annotations: { name } }), {
        tags: ["t"],
      });
    });
  }
  for (const name of names) {
    const { annotations } = await store.repository(name).manifest("t");
    if (annotations?.name !== name) throw new Error(`${name} has ${annotations?.name}`);
  }
  await store.close();
};

export const NAMES = rules("names", {
  "B79 an empty tag": refused(""),
  "B79 a tag of 513 characters": refused("a".repeat(513)),
  "B79 a tag that begins with a dot": refused(".x"),
  "B79 a tag that begins with a hyphen": refused("-x"),
  "B79 a tag with a space": refused("a b"),
  "B79 a tag with a line break": refused("a\n"),
  "B79 a tag with a letter beyond ASCII": refused("é"),
  "B79 a tag that is a path": refused("../x"),
  "B79 a tag that is a path further in": refused("a/../../x"),
  "B79 a tag in percent signs": refused("%2e%2e"),
  "B79 a tag with a NUL": refused("latest\0"),
  "B79 a tag with a backslash": refused("a\\b"),
  "B84 a tag in composed Unicode": refused("caf\u00e9"),
  "B84 a tag in decomposed Unicode": refused("cafe\u0301"),
  "B84 a tag with a zero-width space": refused("la\u200btest"),
  "B84 a tag that turns the reading direction": refused("v1\u202e2v"),
  "B84 a tag that is half a character": {
    ...refused("\ud800"),
    layout: { expect: "LAYOUT_INVALID" },
    archive: { expect: "LAYOUT_INVALID" },
  },
  "B86 a tag of 10 kB": refused("a".repeat(10_000)),
  "B86 a tag of 10 kB that nearly fits": refused(`${"a-".repeat(5000)}-`),
  "B126 a tag that is a window title": refused("\u001b]0;owned\u0007"),
  "B126 a tag that is a C1 control sequence": refused("\u009b2J"),
  "B79 a tag of 128 characters": accepted("a".repeat(128)),
  "B79 a tag of a layout, with slashes and colons": accepted("registry.example:5000/app:v1"),
  "B81 a tag of the referrers tag schema": accepted(`sha256-${"a".repeat(64)}`),

  "B80 tags that only case or an end tells apart": {
    library: { expect: "accepted", calls: [distinct] },
    taint: listed(...DISTINCT),
    layout: { expect: "sound; garbage goes" },
    archive: { expect: "accepted" },
    command: [{ argv: ["tag", "oci:store:good", ...DISTINCT], expect: "0" }],
  },
  "B81 a tag that is a digest": {
    ...refused(`sha256:${"a".repeat(64)}`),
    library: { expect: "REFERENCE_INVALID", calls: giving(`sha256:${"a".repeat(64)}`) },
    archive: { expect: "NOT_FOUND" },
  },
  "B81 a reference that was to be a digest": {
    library: { expect: "DIGEST_INVALID", calls: asking(`sha256:${"a".repeat(63)}`).filter((_, at) => at !== 1) },
    layout: not("a name is a name there"),
    archive: not("the same"),
    command: [
      { argv: ["resolve", `oci:store@sha256:${"A".repeat(64)}`], expect: "2 USAGE" },
      { argv: ["rm", "-n", `oci:store@sha256:${"a".repeat(63)}`], expect: "2 USAGE" },
    ],
  },
  "B82 repositories that are none": {
    library: repositories("REFERENCE_INVALID", [
      ...["A/b", "a//b", "/a", "a/", "a/../b", "a/./b", ".a", "a___b", "a..b", "_a", "a\n", "a\0", "é", "_catalog"],
      "a".repeat(256),
      `${"a/".repeat(300)}a`,
      `${"a-".repeat(5000)}-`,
    ]),
    ...onlyOne,
  },
  "B82 repositories in a layout": { library: repositories("UNSUPPORTED", ["a", "a__b", "a/b"]), ...onlyOne },
  "B83 repositories named like files and routes": { library: { expect: "accepted", calls: [apart] }, ...onlyOne },
  "B86 a name twice, on two images": {
    library: not("a name is in one place"),
    taint: (specimen) => {
      specimen.image({});
      specimen.image({ artifactType: "application/x.second" });
    },
    layout: { expect: "sound; garbage goes" },
    archive: { expect: "accepted" },
    command: not("the same"),
  },
  "B86 a name with a digest in it": {
    library: { expect: "accepted", calls: giving(`a@sha256:${"a".repeat(64)}`) },
    taint: listed(`a@sha256:${"a".repeat(64)}`),
    layout: { expect: "sound; garbage goes" },
    archive: { expect: "accepted" },
    command: tagging(`a@sha256:${"a".repeat(64)}`, "0"),
  },
  "B86 names that are no text": {
    library: not("no document"),
    taint: (specimen) => {
      for (const name of [null, 5, ["x"], {}])
        specimen.list(good, undefined, { "org.opencontainers.image.ref.name": name });
    },
    layout: { expect: "sound; garbage goes" },
    archive: { expect: "accepted" },
    command: not("no document"),
  },
});
