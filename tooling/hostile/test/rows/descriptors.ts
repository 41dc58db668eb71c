import { ACCEPTED, entry, HELLO, hello, layer, manifest, raw, without } from "../support/kinds.ts";
import { type Call, not, type Row, rules, utf8 } from "../support/row.ts";
import { described, EMPTY, GOOD, GOOD_LAYER, IMAGE, LAYER } from "../support/specimen.ts";

const NOTHING = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const NOTHING_512 =
  "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e";
const FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar";

const LONG = "x".repeat(3_000_000);

/** Sends pieces without end; nobody may ask for more than says that there are too many. */
const endless: Call = async ({ repository }) => {
  let sent = 0;
  async function* pieces() {
    for (; ; sent++) {
      if (sent > 100) throw new Error("more was read than had to be");
      yield utf8("12345");
    }
  }
  await repository.openSession("s").putBlob({ stream: pieces(), size: 9 });
};

const stated = (size: number): Call => {
  return ({ repository }) => repository.openSession("s").putBlob({ stream: utf8(HELLO), size });
};

const size = (token: string): Row[] => [
  layer(hello({ size: JSON.parse(token) })),
  entry(hello({ mediaType: IMAGE, size: JSON.parse(token) })),
];

/** Two readers may not read the same: then index.json as a whole says nothing. */
const inexact = (token: string): Row[] => [
  manifest(raw({ ...GOOD, layers: [hello({ size: "@" })] }, token)),
  {
    ...entry(null),
    taint: (specimen) => {
      specimen.file(
        "index.json",
        raw({ schemaVersion: 2, manifests: [hello({ mediaType: IMAGE, size: "@" })] }, token),
      );
    },
    layout: { expect: "LAYOUT_INVALID" },
    archive: { expect: "LAYOUT_INVALID" },
  },
];

const mediaType = (text: string): Row[] => [layer(hello({ mediaType: text })), entry(hello({ mediaType: text }))];

const url = (text: string): Row => layer({ ...described(GOOD_LAYER, LAYER), urls: [text] }, ACCEPTED);

const collecting = (grace: number): Call => {
  return ({ store }) => store.collect({ grace });
};

export const DESCRIPTORS = rules("descriptors", {
  "B27 a size of -1": size("-1"),
  "B28 a size in quotes": size('"5"'),
  "B29 a size with a fraction": size("1.5"),
  "B30 a size of null": size("null"),
  "B30 no size": layer(without("size")),
  "B31 a size of true": size("true"),
  "B32 a size of 2^53 + 1": inexact("9007199254740993"),
  "B33 a size of 1e400": inexact("1e400"),
  "B34 a size of 2^63": inexact("9223372036854775808"),
  "B34 a size of -0": inexact("-0"),
  "B34 a size of 5e0": inexact("5e0"),
  "B34 a length of time that is no whole number": {
    library: {
      expect: "TypeError",
      calls: [Number.NaN, -1, 1.5, 2 ** 53, Number.POSITIVE_INFINITY].map(collecting),
    },
    layout: not("no document"),
    archive: not("no document"),
    command: [
      { argv: ["gc", "-n", "store", "--grace", "1e400"], expect: "2 USAGE" },
      { argv: ["gc", "-n", "store", "--grace", "-1"], expect: "2 USAGE" },
    ],
  },
  "B35 a size smaller than the bytes": {
    ...layer(hello({ size: 4 }), {
      library: "SIZE_MISMATCH",
      leaves: "bytes",
      layout: "size; garbage goes",
      blobs: [HELLO],
    }),
    library: { expect: "SIZE_MISMATCH", calls: [stated(4), endless] },
  },
  "B36 a size larger than the bytes": {
    ...layer(hello({ size: 6 }), {
      library: "SIZE_MISMATCH",
      leaves: "bytes",
      layout: "size; garbage goes",
      blobs: [HELLO],
    }),
    library: { expect: "SIZE_MISMATCH", calls: [stated(6)] },
  },
  "B37 nothing, as content": layer({ mediaType: LAYER, digest: NOTHING, size: 0 }, { ...ACCEPTED, blobs: [""] }),
  "B38 size 0 of something": layer(hello({ size: 0 })),
  "B38 the digest of nothing with a size": layer({ mediaType: LAYER, digest: NOTHING, size: 5 }),
  "B38 the digest of nothing in sha512 with a size": layer({ mediaType: LAYER, digest: NOTHING_512, size: 5 }),
  // Tools have written entries of index.json without one; what it is is found out by the bytes.
  "B39 no media type": layer(without("mediaType")),
  "B39 an empty media type": mediaType(""),
  "B40 a media type without a subtype": mediaType("application"),
  "B41 a media type that begins with a dot": mediaType(".foo/bar"),
  "B42 a subtype that begins with a dot": mediaType("foo/.bar"),
  "B43 a type of 128 characters": mediaType(`${"a".repeat(128)}/b`),
  "B43 a subtype of 128 characters": mediaType(`a/${"b".repeat(128)}`),
  "B43 a type and a subtype of 127": layer(hello({ mediaType: `${"a".repeat(127)}/${"b".repeat(127)}` }), {
    ...ACCEPTED,
    blobs: [HELLO],
  }),
  "B44 a media type with CR LF": mediaType("application/json\r\nX-Evil: 1"),
  "B44 a media type with parameters": mediaType("application/json; charset=utf-8"),
  "B45 data that is not base64": layer(hello({ data: "aGVs*G8=" })),
  "B45 data in the alphabet of URLs": layer(hello({ size: 3, data: "_-_-" })),
  "B46 data without padding": layer(hello({ data: "aGVsbG8" })),
  "B47 data of another length": layer(hello({ data: "aGVsbG8h" })),
  "B48 data of another digest": layer(hello({ data: "aGVsbGE=" })),
  "B48 data that is what it says": layer(hello({ data: "aGVsbG8=" }), { ...ACCEPTED, blobs: [HELLO] }),
  "B49 3 MB of data": layer(
    { ...described(LONG, LAYER), data: Buffer.from(LONG).toString("base64") },
    { ...ACCEPTED, blobs: [LONG] },
  ),
  "B49 10 000 descriptors with data": manifest(
    { ...GOOD, layers: Array.from({ length: 10_000 }, () => hello({ data: "aGVsbG8=" })) },
    { ...ACCEPTED, blobs: [HELLO] },
  ),
  "B49 data that makes more than 4 MiB of it": manifest(
    { ...GOOD, layers: [hello({ data: "a".repeat(4 * 1024 * 1024) })] },
    { library: "MANIFEST_TOO_LARGE" },
  ),
  "B50 a url that is a word": url("value"),
  "B51 a url of a file": url("file:///etc/passwd"),
  "B51 a url of a private host": url("http://169.254.169.254/latest"),
  "B52 a url that is a script": url("javascript:alert(1)"),
  "B52 urls that are no list": layer(hello({ urls: "http://example.org" })),
  "B53 a layer that lies elsewhere": layer(hello({ mediaType: FOREIGN, urls: ["https://example.org/x"] }), ACCEPTED),
  "B53 a layer that lies nowhere": layer(hello({ mediaType: FOREIGN }), {
    library: "MISSING_CONTENT",
    leaves: "bytes",
    layout: "missing; garbage goes",
    archive: "NOT_FOUND",
  }),
  "B54 one digest in two sizes": manifest({ ...GOOD, layers: [hello(), hello({ size: 6 })] }),
  "B54 one digest in two sizes, as config and as layer": layer({ ...described("{}", LAYER), size: 3 }),
  // The empty `{}` is both a config and a layer, so two types are no conflict.
  "B54 one digest of two types": manifest(
    { ...GOOD, layers: [described("{}", LAYER), described("{}", EMPTY)] },
    ACCEPTED,
  ),
});
