import { createHash } from "node:crypto";
import type { Digest } from "@ocistore/core";
import { type Call, type Line, not, type Row, rules, utf8 } from "../support/row.ts";
import { type Fields, GOOD, IMAGE, LAYER } from "../support/specimen.ts";

const a = (count: number) => "a".repeat(count);

/** Wherever the library takes a digest. */
const calls = (text: string): readonly Call[] => {
  const digest = text as Digest;
  return [
    ({ store }) => store.why(digest),
    ({ store }) => store.planDeleteBlob(digest),
    ({ repository }) => repository.openSession("s").has([digest]),
    ({ repository }) => repository.openSession("s").putBlob({ stream: utf8("hello"), digest }),
    ({ repository }) => repository.openSession("s").putManifest({ bytes: utf8(JSON.stringify(GOOD)), digest }),
    ({ repository }) => repository.find({ mediaType: LAYER, digest, size: 5 }),
  ];
};

const put = (text: string): Line => ({
  argv: ["blob", "put", "oci:store", "file", "--digest", text],
  files: { file: utf8("hello") },
  expect: "2 DIGEST_INVALID",
});

const layer = (digest: string): Fields => ({ mediaType: LAYER, digest, size: 5 });

const refused = (text: string): Row[] => [
  {
    library: { expect: "DIGEST_INVALID", calls: calls(text) },
    taint: (specimen) => specimen.image({ layers: [layer(text)] }),
    layout: { expect: "unreadable; garbage stays" },
    archive: { expect: "MANIFEST_INVALID" },
    command: [put(text)],
  },
  {
    where: ", in index.json",
    library: not("no document"),
    taint: (specimen) => specimen.list({ ...layer(text), mediaType: IMAGE }, "evil"),
    layout: { expect: "layout; garbage stays (LAYOUT_INVALID)" },
    archive: { expect: "accepted" },
    command: not("the same words"),
  },
];

/** What could name content, and not content that can be stored here. */
const foreign = (text: string): Row[] => {
  const [row] = refused(text);
  return [
    { ...row!, layout: { expect: "missing; garbage goes" }, archive: { expect: "MANIFEST_INVALID" } },
    {
      ...row!,
      where: ", in index.json",
      library: not("no document"),
      taint: (specimen) => specimen.list({ ...layer(text), mediaType: IMAGE }, "evil"),
      layout: { expect: "dangling; garbage goes" },
      archive: { expect: "NOT_FOUND" },
      command: not("the same words"),
    },
  ];
};

const sha = (algorithm: string, content: string) =>
  `${algorithm}:${createHash(algorithm).update(content).digest("hex")}` as Digest;

const HELLO = utf8("hello");
const MANIFEST = utf8(JSON.stringify(GOOD));
const wrong = (digest: string): Call[] => [
  ({ repository }) => repository.openSession("s").putBlob({ stream: HELLO, digest: digest as Digest }),
  ({ repository }) => repository.openSession("s").putManifest({ bytes: MANIFEST, digest: digest as Digest }),
];

const endToEnd = (algorithm: string): Row => {
  const digest = sha(algorithm, "hello");
  const read: Call = async ({ repository }) => {
    if ((await repository.bytes(digest)).length !== 5) throw new Error("other bytes");
  };
  return {
    library: { expect: "accepted", calls: [...wrong(digest).slice(0, 1), read] },
    taint: (specimen) => {
      specimen.blob("hello", digest);
      specimen.image({ layers: [layer(digest)] });
    },
    layout: { expect: "sound; garbage goes" },
    archive: { expect: "accepted" },
    command: [{ ...put(digest), expect: "0" }],
  };
};

const ofOtherBytes = (digest: string): Row => ({
  library: { expect: "DIGEST_MISMATCH", calls: wrong(digest) },
  taint: (specimen) => {
    specimen.blob("hello", digest);
    specimen.image({ layers: [layer(digest)] });
  },
  layout: { expect: "corrupt; garbage goes" },
  archive: { expect: "CORRUPT" },
  command: [{ ...put(digest), expect: "1 DIGEST_MISMATCH" }],
});

export const DIGESTS = rules("digests", {
  "B1 a path": refused("sha256:../../../../etc/passwd"),
  "B2 two dots": refused("sha256:.."),
  "B3 a path before it": refused(`../blobs/sha256:${a(64)}`),
  "B4 a path in percent signs": refused("sha256:%2e%2e%2fetc%2fpasswd"),
  "B5 a path after it": refused(`sha256:${a(64)}/x`),
  "B6 a NUL after it": refused(`sha256:${a(64)}\0`),
  "B7 upper case": refused(`sha256:${"A".repeat(64)}`),
  "B8 an algorithm in upper case": refused(`SHA256:${a(64)}`),
  "B9 63 digits": refused(`sha256:${a(63)}`),
  "B9 65 digits": refused(`sha256:${a(65)}`),
  "B10 nothing after the colon": refused("sha256:"),
  "B11 no colon": refused(a(64)),
  "B12 two colons": refused(`sha256:sha256:${a(64)}`),
  "B13 a line break after it": refused(`sha256:${a(64)}\n`),
  "B14 a space before it": refused(` sha256:${a(64)}`),
  "B15 Cyrillic letters": refused(`sha256:${"а".repeat(64)}`),
  "B15 full-width letters": refused(`ｓｈａ256:${a(64)}`),
  "B16 10 kB of digits": refused(`sha256:${a(10_000)}`),
  "B16 10 kB of separators": refused(`${"a.".repeat(5000)}:a`),
  "B16 1 MB of what nearly fits": refused(`${"a+".repeat(500_000)}`),
  "B17 sha512 of 64 digits": refused(`sha512:${a(64)}`),
  "B17 sha256 of 128 digits": refused(`sha256:${a(128)}`),
  "B24 two separators": refused("sha256+foo+-b:aa"),
  "B25 an algorithm with a slash": refused("a/b:aa"),
  "B25 a dot as an algorithm": refused(".:aa"),
  "B25 two dots as an algorithm": refused("..:aa"),
  "B25 __proto__ as an algorithm": refused("__proto__:aa"),
  "B19 md5": foreign(`md5:${a(32)}`),
  "B19 sha1": foreign(`sha1:${a(40)}`),
  "B20 blake3": foreign(`blake3:${a(64)}`),
  "B21 sha256 in base64": foreign("sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564"),
  "B22 a multihash": foreign("multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8"),
  "B23 an algorithm of several words": foreign(`sha256.foo-bar:${a(64)}`),
  "B25 an algorithm called constructor": foreign("constructor:aa"),
  "B25 an algorithm called toString": foreign("tostring:aa"),
  "B18 sha512 from end to end": endToEnd("sha512"),
  "B19 sha384 from end to end": endToEnd("sha384"),
  "B26 a digest of other bytes": ofOtherBytes(sha("sha256", "other")),
  "B26 a digest of other bytes, in sha512": ofOtherBytes(sha("sha512", "other")),
});
