import { type Call, type Line, not, type Row, type Said, utf8 } from "./row.ts";
import { type Fields, GOOD, IMAGE, type Json, LAYER } from "./specimen.ts";

interface Wanted {
  readonly library?: Said;
  readonly layout?: string;
  readonly archive?: Said | Row["archive"];
  readonly command?: string | Row["command"];
  /** What the document came as; an OCI image manifest unless given, nothing if undefined. */
  readonly type?: string | undefined;
  /** What is stored beside it. */
  readonly blobs?: readonly string[];
  readonly leaves?: "bytes";
}

/** A document that is refused as a manifest, unless something else is wanted. */
export function manifest(content: string | Uint8Array | Json, wanted: Wanted = {}): Row {
  const bytes =
    typeof content === "string"
      ? utf8(content)
      : content instanceof Uint8Array
        ? content
        : utf8(JSON.stringify(content));
  const type = "type" in wanted ? wanted.type : IMAGE;
  const { library = "MANIFEST_INVALID", layout = "unreadable; garbage stays", blobs = [] } = wanted;
  const { archive = library, command = library === "accepted" ? "0" : `1 ${library}` } = wanted;
  const store: Call[] = blobs.map(
    (each) =>
      ({ repository }) =>
        repository.openSession("blobs").putBlob(utf8(each)),
  );
  const put: Call = ({ repository }) =>
    repository.openSession("s").putManifest({ bytes, mediaType: type }, { tags: ["evil"] });
  const stored: Line[] = blobs.map((each) => ({
    argv: ["blob", "put", "oci:store", "file"],
    files: { file: utf8(each) },
    expect: "0",
  }));
  const typed = type === undefined ? [] : ["--media-type", type];
  const line: Line = {
    argv: ["manifest", "put", "oci:store:evil", "manifest.json", ...typed],
    files: { "manifest.json": bytes },
    expect: typeof command === "string" ? command : "",
  };
  return {
    ...(wanted.leaves && { leaves: wanted.leaves }),
    library:
      store.length === 0 || library === "accepted"
        ? { expect: library, calls: [...store, put] }
        : { expect: library, calls: [put] },
    taint: (specimen) => {
      for (const each of blobs) specimen.blob(each);
      specimen.manifest(bytes, type ?? IMAGE);
    },
    layout: { expect: layout },
    archive: typeof archive === "string" ? { expect: archive } : archive,
    command: typeof command === "string" ? [...stored, line] : command,
  };
}

export const ACCEPTED = { library: "accepted", layout: "sound; garbage goes" } as const;

/** A descriptor among the layers of an image. */
export function layer(fields: Fields, wanted: Wanted = {}): Row {
  return manifest({ ...GOOD, annotations: { row: "layer" }, layers: [fields] }, wanted);
}

/** An entry of index.json that is none, and that nobody takes out. */
export function entry(fields: Json, layout = "layout; garbage stays (LAYOUT_INVALID)"): Row {
  return {
    where: ", in index.json",
    library: not("a file"),
    taint: (specimen) => specimen.entries.push(fields),
    layout: { expect: layout },
    archive: { expect: "accepted" },
    command: not("a file"),
  };
}

/** A layer of 5 bytes, `hello`, but for these fields. */
export const HELLO = "hello";
export const hello = (fields: Fields = {}): Fields => ({
  mediaType: LAYER,
  digest: "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
  size: 5,
  ...fields,
});
export const without = (name: string): Fields =>
  Object.fromEntries(Object.entries(hello()).filter(([key]) => key !== name));

/** The JSON of it, with a token of JSON for `"@"`. */
export const raw = (value: Json, token: string): string => JSON.stringify(value).replace('"@"', token);
