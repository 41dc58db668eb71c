import { isDeepStrictEqual } from "node:util";
import {
  isOciStoreError,
  type JsonValue,
  parseDigest,
  parseForeignDigest,
  parseJson,
  parseManifest,
  parseRefName,
  parseRepositoryName,
  parseTag,
} from "@ocistore/core";
import { indexArchive } from "../../../packages/backend-fs/src/archive/archive-index.ts";
import { IndexDocument } from "../../../packages/backend-fs/src/layout/index-document.ts";
import type { Target } from "./fuzzer.ts";

/** What it gives, or undefined if it was refused by an error of ours with a code. Everything else is thrown on. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isOciStoreError(error)) return undefined;
    throw error;
  }
}

function mustBe(claim: unknown, what: string): asserts claim {
  if (!claim) throw new Error(what);
}

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const textOf = (input: Uint8Array) => new TextDecoder().decode(input);

/** What `JSON.parse` reads is refused only for a reason; written anew it has no key twice and no odd numbers. */
function mustBeAtFault(input: Uint8Array): void {
  let text: string;
  try {
    text = JSON.stringify(JSON.parse(textOf(input)));
  } catch {
    return;
  }
  const isWhole = !/\\ud[89a-f]/i.test(text);
  const numbers = text.replace(/"(?:[^"\\]|\\.)*"/g, '""').match(/[-+.0-9e]+/g) ?? [];
  const isExact = numbers.every((each) => Math.abs(Number(each)) <= Number.MAX_SAFE_INTEGER);
  const isFlat = (text.match(/[[{]/g) ?? []).length <= 100;
  if (!isWhole || !isExact || !isFlat) return;
  mustBe(
    isDeepStrictEqual(
      attempt(() => parseJson(new TextEncoder().encode(text))),
      JSON.parse(text),
    ),
    `${text} is refused`,
  );
}

const json: Target = {
  seeds: [
    '{"a":[[[[[{"b":{"c":[[1,"x"],null]}}]]]]]}',
    `${"[".repeat(100)}${"]".repeat(100)}`,
    '["\\ud83d\\ude00",-1.5,9007199254740991]',
  ],
  words: [
    '{"a":',
    "}",
    "[",
    "]",
    '"',
    ",",
    ":",
    "\\u0061",
    "\\ud800",
    "null",
    "1e2",
    "-0",
    "2.0",
    '"a"',
    "9007199254740993",
    "\xef\xbb\xbf",
  ],
  longest: 400,
  steps: 50,
  read: (input) => {
    const value = attempt(() => parseJson(input));
    if (value === undefined) return mustBeAtFault(input);
    mustBe(isDeepStrictEqual(value, JSON.parse(textOf(input))), "JSON.parse reads something else");
    const again = attempt(() => parseJson(bytes(value)));
    mustBe(isDeepStrictEqual(again, value), "what was written is read otherwise");
    attempt(() => parseManifest(input));
  },
};

/** The grammars as the specifications write them. */
const DIGEST = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const REF_NAME = /^[A-Za-z0-9]+(?:(?:[-._:@+]|--|\/)[A-Za-z0-9]+)*$/;
const REPOSITORY = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
const HEX: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

function isFullDigest(text: string): boolean {
  const [algorithm = "", encoded = ""] = text.split(":");
  return (
    DIGEST.test(text) &&
    Object.hasOwn(HEX, algorithm) &&
    encoded.length === HEX[algorithm] &&
    /^[0-9a-f]+$/.test(encoded)
  );
}

const references: Target = {
  seeds: [128, 129, 255, 256, 512, 513].flatMap((length) => ["a".repeat(length), `md5:${"a".repeat(length - 4)}`]),
  words: [
    "sha256:",
    "sha512:",
    "a".repeat(64),
    "0".repeat(32),
    ":",
    "/",
    ".",
    "..",
    "__",
    "--",
    "-",
    "@",
    "+",
    "A",
    "\n",
    "latest",
    "md5:",
  ],
  longest: 600,
  steps: 50,
  read: (input) => {
    const text = Buffer.from(input).toString("latin1");
    const agrees = (read: (text: string) => string, isRight: boolean) => {
      const got = attempt(() => read(text));
      mustBe((got !== undefined) === isRight, `${read.name} ${isRight ? "refuses" : "takes"} it`);
      mustBe(got === undefined || got === text, `${read.name} gives something else`);
    };
    agrees(parseTag, TAG.test(text));
    agrees(parseRepositoryName, text === "" || (text.length <= 255 && REPOSITORY.test(text)));
    agrees(parseDigest, isFullDigest(text));
    const [algorithm = ""] = text.split(":");
    agrees(
      parseForeignDigest,
      text.length <= 256 && (Object.hasOwn(HEX, algorithm) ? isFullDigest(text) : DIGEST.test(text)),
    );
    agrees(parseRefName, text.length <= 512 && (TAG.test(text) || REF_NAME.test(text)) && !isFullDigest(text));
  },
};

const NAME = "org.opencontainers.image.ref.name";
const ENTRY = `{"mediaType":"application/x","digest":"sha256:${"a".repeat(64)}","size":5}`;

const named = (name: string, size = 5) => ENTRY.replace("5}", `${size},"annotations":{"${NAME}":"${name}"}}`);

const index: Target = {
  seeds: [`{"schemaVersion":2,"manifests":[${ENTRY},${named("v1")},${named("v2", 6)},${named("v1", 7)},null]}`],
  words: [
    ENTRY,
    '{"schemaVersion":2,"manifests":[',
    "]}",
    `"annotations":{"${NAME}":"v1"}`,
    '"size":',
    '"digest":',
    "md5:aa",
    "null",
    ",",
    "}",
    '"mediaType":',
    '"artifactType":""',
  ],
  longest: 1200,
  steps: 80,
  read: (input) => {
    const document = attempt(() => IndexDocument.parse(input, {}));
    if (!document) return;
    // Of several entries with one name the last counts, if it is a descriptor at all.
    const { manifests } = JSON.parse(textOf(input)) as { manifests?: JsonValue[] | null };
    const names = new Map<string, unknown>();
    for (const each of (manifests ?? []) as (Record<string, never> | null)[]) {
      const name = (each?.annotations as Record<string, unknown> | undefined)?.[NAME];
      if (typeof name === "string" && name !== "" && document.repository.manifests.has(each?.digest as never))
        names.set(name, each?.digest);
    }
    for (const [name, digest] of document.repository.tags)
      mustBe(names.has(name), `${name} is on ${digest} in nobody's words`);
    mustBe(document.faults.length <= (manifests ?? []).length, "more faults than entries");
  },
};

const header = (name: string, size: number, type = "0") => {
  const block = Buffer.alloc(512);
  block.write(name, 0, "latin1");
  block.write(`${size.toString(8).padStart(11, "0")}\0`, 124, "latin1");
  block.write(type, 156, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  return block;
};

/** With the checksums right, or no change would ever get further than that. */
function summed(input: Uint8Array): Buffer {
  const archive = Buffer.from(input);
  for (let at = 0; at + 512 <= archive.length; at += 512) {
    const block = archive.subarray(at, at + 512);
    if (block.toString("latin1", 257, 262) !== "ustar") continue;
    block.fill(0x20, 148, 156);
    block.write(
      `${block
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, "0")}\0 `,
      148,
      "latin1",
    );
  }
  return archive;
}

const member = (name: string, content: string, type?: string) => {
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
  return Buffer.concat([header(name, content.length, type), Buffer.from(content), padding]).toString("latin1");
};

const archive: Target = {
  words: [
    member("oci-layout", "{}"),
    member("index.json", "{}"),
    member(`blobs/sha256/${"a".repeat(64)}`, "hello"),
    member("x", "17 path=oci-layout\n", "x"),
    member("x", "8 size=5\n", "x"),
    member("x", "index.json\0", "L"),
    header("blobs", 0, "5").toString("latin1"),
    Buffer.alloc(1024).toString("latin1"),
    ..."\x80\xff/.0157xgLKS".split(""),
  ],
  longest: 8192,
  steps: 80,
  read: async (input) => {
    const bytes = summed(input);
    const handle = {
      read: async (buffer: Uint8Array, offset: number, length: number, position: number) =>
        bytes.copy(buffer, offset, position, Math.min(position + length, bytes.length)),
    };
    const found = await indexArchive(handle as never, bytes.length).catch((error: unknown) => {
      if (isOciStoreError(error)) return undefined;
      throw error;
    });
    if (!found) return;
    for (const { start, size } of [found.ociLayout, found.index, ...found.blobs.values()])
      mustBe(start % 512 === 0 && size >= 0 && start + size <= bytes.length, "a member that lies outside");
  },
};

export const TARGETS: Readonly<Record<string, Target>> = { json, references, index, archive };
