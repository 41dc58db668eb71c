import { createHash } from "node:crypto";
import type { Digest } from "@ocistore/core";
import { ACCEPTED, HELLO, hello, layer, manifest, raw } from "../support/kinds.ts";
import { type Call, not, type Row, rules, utf8 } from "../support/row.ts";
import {
  described,
  type Fields,
  GOOD,
  GOOD_LAYER,
  IMAGE,
  INDEX,
  type Json,
  LAYER,
  type Specimen,
} from "../support/specimen.ts";

const DOCKER = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
const SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
const REFERRER = "application/vnd.oci.artifact.manifest.v1+json";
const good = described(JSON.stringify(GOOD), IMAGE);
const index = (fields: Fields = {}): Fields => ({ schemaVersion: 2, mediaType: INDEX, manifests: [good], ...fields });
const untyped = ({ mediaType: _, ...rest }: Fields): Fields => rest;

const text = JSON.stringify(GOOD);
const inText = (from: string, to: string) => text.replace(from, to);
/** The JSON of it with bytes in place of `@`. */
const withBytes = (bytes: readonly number[]) => {
  const [before = "", after = ""] = JSON.stringify({ ...GOOD, annotations: { a: "@" } }).split("@");
  return Buffer.concat([utf8(before), Buffer.from(bytes), utf8(after)]);
};
const padded = (length: number) => text + " ".repeat(length - text.length);
const MIB4 = 4 * 1024 * 1024;

const CONFLICTS = rules("conflicts", {
  "B55 an index with layers": manifest(index({ layers: [] }), { type: INDEX }),
  "B55 an index with a config": manifest(index({ config: described("{}", LAYER) }), { type: INDEX }),
  "B55 an image with manifests": manifest({ ...GOOD, manifests: [] }),
  "B55 what says that it is an index, and has layers": manifest({ ...GOOD, mediaType: INDEX }, { type: undefined }),
  "B55 what says that it is an image, and has manifests": manifest(index({ mediaType: IMAGE }), { type: undefined }),
  "B56 what says another type than it came with": manifest(
    { ...GOOD, mediaType: DOCKER },
    { layout: "layout unreadable; garbage stays" },
  ),
  "B56 a type that is a number": manifest({ ...GOOD, mediaType: 5 }),
  "B56 no type but the one in it": manifest(GOOD, { ...ACCEPTED, type: undefined }),
  "B56 a type in upper case": manifest(untyped(GOOD), { ...ACCEPTED, type: IMAGE.toUpperCase() }),
  "B56 a type with parameters": {
    ...manifest(GOOD, { library: "accepted", type: `${IMAGE}; charset=utf-8` }),
    layout: { expect: "layout; garbage stays (LAYOUT_INVALID)" },
    archive: not("as the layout"),
    command: not("the option takes a bare type"),
  },
  "B55 an artifact with layers": manifest({ mediaType: REFERRER, artifactType: "a/b", layers: [] }, { type: REFERRER }),
  "B57 what could be an image as well as an index": manifest(
    { ...untyped(GOOD), manifests: [good] },
    {
      type: undefined,
    },
  ),
});

const TEXTS = rules("texts", {
  "B58 config twice": manifest(inText('"config":', '"config":{},"config":')),
  "B58 digest twice": manifest(inText('"digest":', '"digest":"sha256:aa","digest":')),
  "B58 a key twice, once in escapes": manifest(inText('"config":', '"\\u0063onfig":{},"config":')),
  "B59 a byte order mark": manifest(`\ufeff${text}`),
  "B60 a byte that is no UTF-8": manifest(withBytes([0xff])),
  "B60 an overlong slash": manifest(withBytes([0xc0, 0xaf])),
  "B60 a surrogate in UTF-8": manifest(withBytes([0xed, 0xa0, 0x80])),
  "B60 half a surrogate pair in escapes": manifest(inText('"config":', '"x":"\\ud800","config":')),
  "B61 arrays 10 000 deep": manifest(inText('"config":', `"x":${"[".repeat(10_000)}${"]".repeat(10_000)},"config":`)),
  "B61 objects 10 000 deep": manifest(
    inText('"config":', `"x":${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)},"config":`),
  ),
  "B61 1 000 000 brackets": manifest("[".repeat(1_000_000)),
  "B61 100 deep, and no more": manifest(
    inText('"config":', `"x":${"[".repeat(99)}${"]".repeat(99)},"config":`),
    ACCEPTED,
  ),
  "B62 garbage after it": manifest(`${text}x`),
  "B62 two documents": manifest(text + text),
  "B62 a comment": manifest(`${text}// no`),
  "B62 NaN": manifest(raw({ ...GOOD, x: "@" }, "NaN")),
  "B62 -0": manifest(raw({ ...GOOD, x: "@" }, "-0")),
  "B62 an integer with an exponent": manifest(raw({ ...GOOD, x: "@" }, "1e2")),
  "B62 a control character": manifest(inText('"config":', '"x":"\n","config":')),
  "B62 half of it": manifest(text.slice(0, text.length / 2)),
  "B63 null": manifest("null"),
  "B63 an array": manifest("[]"),
  "B63 a string": manifest('"x"'),
  "B63 nothing at all": manifest("", { layout: "unreadable; garbage stays" }),
  "B64 4 MiB, to the byte": manifest(padded(MIB4), ACCEPTED),
  "B64 a byte more than 4 MiB": manifest(padded(MIB4 + 1), { library: "MANIFEST_TOO_LARGE" }),
  "B65 schemaVersion 1": manifest({ ...GOOD, schemaVersion: 1 }),
  "B65 schemaVersion in quotes": manifest({ ...GOOD, schemaVersion: "2" }),
  "B65 no schemaVersion": manifest(inText('"schemaVersion":2,', "")),
  "B65 schemaVersion 2.0": manifest(raw({ ...GOOD, schemaVersion: "@" }, "2.0"), ACCEPTED),
  "B65 Docker's schema 1": manifest(
    { schemaVersion: 1, name: "x", tag: "y" },
    {
      library: "UNSUPPORTED",
      type: SCHEMA1,
      command: "2 UNSUPPORTED",
    },
  ),
  "B66 Docker's image": manifest({ ...GOOD, mediaType: DOCKER }, { ...ACCEPTED, type: DOCKER }),
  "B66 Docker's list": manifest(index({ mediaType: DOCKER_LIST }), { ...ACCEPTED, type: DOCKER_LIST }),
  "B67 fields that nobody knows": manifest({ ...GOOD, "x-evil": { y: [null, { z: "\u001b[31m" }] } }, ACCEPTED),
  "B67 an artifact type that nobody knows": manifest({ ...GOOD, artifactType: "application/x-evil" }, ACCEPTED),
  "B68 no layers": manifest({ ...GOOD, layers: [] }, ACCEPTED),
  "B68 no manifests": manifest(index({ manifests: [] }), { ...ACCEPTED, type: INDEX }),
  "B69 an empty config and no artifact type": manifest({ ...GOOD, annotations: { row: "B69" } }, ACCEPTED),
});

const annotations = (value: Json) => ({ ...GOOD, annotations: value });
const thousands = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`k${at}`, "v"]));
/** Set by JSON, where it is a key like any other. */
const inherited = JSON.parse('{"__proto__":"a","constructor":"b","toString":"c","hasOwnProperty":"d","":"e"}');

/** Pushed, found, listed as a referrer and copied out of index.json, these keys are data. */
const keepsKeys: Call = async ({ repository }) => {
  const document = { ...annotations(inherited), subject: good };
  await repository.session(async (session) => {
    await session.putManifest(utf8(JSON.stringify(document)), { tags: ["__proto__", "constructor"] });
  });
  const { annotations: found } = await repository.manifest("constructor");
  if (JSON.stringify(found) !== JSON.stringify(inherited)) throw new Error(JSON.stringify(found));
  for await (const each of repository.referrers("good"))
    if (JSON.stringify(each.annotations) !== JSON.stringify(inherited)) throw new Error(JSON.stringify(each));
};

const MAPS = rules("maps", {
  "B70 an annotation that is a number": manifest(annotations({ a: 1 })),
  "B70 an annotation that is null": manifest(annotations({ a: null })),
  "B70 an annotation that is an object": manifest(annotations({ a: { b: "c" } })),
  "B70 annotations that are a list": manifest(annotations(["a"])),
  "B70 an empty key": manifest(annotations({ "": "" }), ACCEPTED),
  "B70 100 000 annotations": manifest(annotations(thousands), ACCEPTED),
  "B70 an annotation of 1 MB": manifest(annotations({ a: "x".repeat(1_000_000) }), ACCEPTED),
  "B71 keys of the prototype": {
    ...manifest(annotations(inherited), ACCEPTED),
    library: { expect: "accepted", calls: [keepsKeys] },
  },
  "B71 __proto__ as a field of a manifest": manifest(
    inText('"config":', '"__proto__":{"polluted":"yes"},"config":'),
    ACCEPTED,
  ),
});

const child = (fields: Fields): Json => index({ manifests: [good, fields] });
const missing = { library: "MISSING_CONTENT", leaves: "bytes", layout: "missing; garbage goes" } as const;
const never = (mediaType: string) => described("never stored", mediaType);

/** A chain of manifests, each of which names the one before. */
function chain(length: number, next: (before: Fields, at: number) => Json, type: string) {
  return (specimen: Specimen) => {
    let top: Fields = good;
    for (let at = 0; at < length; at++) top = specimen.json(next(top, at), type);
    specimen.list(top, "evil");
  };
}

const inLayouts = (taint: (specimen: Specimen) => void, layout = "sound; garbage goes"): Row => ({
  library: not("a thousand calls like any other"),
  taint,
  layout: { expect: layout },
  archive: { expect: "accepted" },
  command: not("a thousand commands like any other"),
});

const sha512 = (content: string) => `sha512:${createHash("sha512").update(content).digest("hex")}` as Digest;
const twice: Call[] = [
  async ({ repository, store }) => {
    const bytes = utf8(JSON.stringify({ ...GOOD, annotations: { twice: "yes" } }));
    const { digest } = await repository.session((session) => session.putManifest(bytes, { tags: ["one"] }));
    const other = sha512(JSON.stringify({ ...GOOD, annotations: { twice: "yes" } }));
    await repository.session((session) => session.putManifest({ bytes, digest: other }, { tags: ["two"] }));
    await repository.delete("one");
    await store.collect({ grace: 0 });
    if ((await repository.find(digest)) !== undefined) throw new Error("the first is still there");
    if ((await repository.manifest("two")).layers.length !== 1) throw new Error("the second has gone with it");
  },
];

const GRAPHS = rules("graphs", {
  "B72 a subject that is a reference": manifest({ ...GOOD, subject: { ...good, digest: "good:latest" } }, ACCEPTED),
  "B72 a subject that is not stored": manifest({ ...GOOD, subject: never(IMAGE) }, ACCEPTED),
  "B73 a subject that is a layer": manifest({ ...GOOD, subject: described(GOOD_LAYER, LAYER) }, ACCEPTED),
  "B73 a subject of another type than is stored": manifest(
    { ...GOOD, subject: { ...good, mediaType: INDEX } },
    ACCEPTED,
  ),
  "B73 a chain of 200 subjects": inLayouts(
    chain(200, (subject, at) => ({ ...GOOD, subject, annotations: { at: `${at}` } }), IMAGE),
  ),
  "B74 an index of the same child 25 000 times": manifest(
    index({ manifests: Array.from({ length: 25_000 }, () => good) }),
    {
      ...ACCEPTED,
      type: INDEX,
    },
  ),
  "B75 indexes 200 deep": inLayouts(
    chain(200, (before, at) => index({ manifests: [before], annotations: { at: `${at}` } }), INDEX),
  ),
  "B75 40 levels of diamonds": inLayouts((specimen) => {
    let level = [good];
    for (let at = 0; at < 40; at++) {
      const sides = ["left", "right"].map((side) => index({ manifests: level, annotations: { at: `${at} ${side}` } }));
      level = sides.map((side) => specimen.json(side, INDEX));
    }
    specimen.list(specimen.json(index({ manifests: level }), INDEX), "evil");
  }),
  "B76 a child that is not stored": manifest(child(never(IMAGE)), { ...missing, type: INDEX, archive: "NOT_FOUND" }),
  "B76 a layer that is not stored": layer(hello(), { ...missing, archive: "NOT_FOUND" }),
  "B76 a config that is not stored": manifest({ ...GOOD, config: never(LAYER) }, { ...missing, archive: "NOT_FOUND" }),
  "B77 a child that is a layer": manifest(child(described(GOOD_LAYER, IMAGE)), {
    type: INDEX,
    leaves: "bytes",
  }),
  "B77 a layer that is a manifest": manifest({ ...GOOD, layers: [{ ...good, mediaType: LAYER }] }, ACCEPTED),
  "B77 a document of a type that nobody knows": manifest(
    { refs: [hello().digest!] },
    {
      ...ACCEPTED,
      type: "application/vnd.evil+json",
      blobs: [HELLO],
    },
  ),
  "B78 the same manifest under two algorithms": {
    library: { expect: "accepted", calls: twice },
    taint: (specimen) => {
      specimen.blob(text, sha512(text));
      specimen.list({ mediaType: IMAGE, digest: sha512(text), size: text.length }, "evil");
    },
    layout: { expect: "sound; garbage goes" },
    archive: { expect: "accepted" },
    command: not("a manifest is put under sha256"),
  },
});

export const MANIFESTS = [...CONFLICTS, ...TEXTS, ...MAPS, ...GRAPHS];
