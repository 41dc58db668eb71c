import { createHash } from "node:crypto";
import { lstat, readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { importArchive, openArchive, openLayout } from "@ocistore/backend-fs";
import { isOciStoreError, type Repository, type Store } from "@ocistore/core";
import { expect } from "vitest";
import { run } from "../../../../apps/cli/src/run.ts";
import type { Call, Line, Row } from "./row.ts";
import { GARBAGE, GOOD, GOOD_LAYER, Specimen, sha256 } from "./specimen.ts";

/** All that lies below a directory, times included, links not followed. What is equal before and after was not written to. */
async function snapshot(directory: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of await namesBelow(directory)) {
    const path = join(directory, name);
    const stat = await lstat(path, { bigint: true });
    const kind =
      stat.isFile() && stat.size < 64n * 1024n * 1024n
        ? createHash("sha256")
            .update(await readFile(path).catch(() => "unreadable"))
            .digest("hex")
        : stat.isSymbolicLink()
          ? await readlink(path)
          : "other";
    found.set(name, [kind, stat.size, stat.mtimeNs, stat.ctimeNs, stat.mode, stat.ino].join(" "));
  }
  return found;
}

async function namesBelow(directory: string, within = ""): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(join(directory, within), { withFileTypes: true })) {
    names.push(join(within, entry.name));
    if (entry.isDirectory()) names.push(...(await namesBelow(directory, join(within, entry.name))));
  }
  return names.sort();
}

const without = (found: Map<string, string>, isLeftOut: (path: string) => boolean) =>
  new Map([...found].filter(([path]) => !isLeftOut(path)));

/** Whatever is done, who holds the lock is written down there; and bytes have to come in before they are found to be wrong. */
const isLock = (path: string) => /^\.ocistore(\/(uploads|lock(\/.*)?))?$/.test(path);

/** What a manifest lacks is found out when its bytes are stored; they are claimed for another try, and garbage after that. */
const isClaimed = (path: string) => isLock(path) || /^(blobs|\.ocistore\/sessions)(\/|$)/.test(path);

const leftBy = ({ leaves }: Row) => (leaves === "bytes" ? isClaimed : isLock);

/** The code of the error in which it ends. Only errors of ours have one, and wrong arguments are a `TypeError`. */
async function endOf(work: () => Promise<unknown> | unknown): Promise<string> {
  try {
    await work();
    return "accepted";
  } catch (error) {
    if (isOciStoreError(error)) return error.code;
    if (error instanceof TypeError && !("code" in error)) return "TypeError";
    throw error;
  }
}

/** Opens a layout, does the work and closes it. */
async function within<T>(
  directory: string,
  work: (at: { readonly store: Store; readonly repository: Repository }) => Promise<T> | T,
  o: Parameters<typeof openLayout>[1] = {},
): Promise<T> {
  const store = await openLayout(directory, o);
  try {
    return await work({ store, repository: store.repository() });
  } finally {
    await store.close();
  }
}

const bytes = (text: string) => new TextEncoder().encode(text);

/** The good image is whole, and another can be pushed. */
async function goesOn(directory: string): Promise<void> {
  await within(directory, async ({ repository }) => {
    expect(await repository.bytes(sha256(GOOD_LAYER))).toEqual(bytes(GOOD_LAYER));
    const { config, layers } = await repository.manifest(sha256(JSON.stringify(GOOD)));
    expect([config?.digest, ...layers.map(({ digest }) => digest)]).toEqual([sha256("{}"), sha256(GOOD_LAYER)]);
    await repository.session(async (session) => {
      await session.putBlob(bytes("{}"));
      await session.putBlob(bytes(GOOD_LAYER));
      await session.putManifest(bytes(JSON.stringify({ ...GOOD, annotations: { later: "yes" } })), { tags: ["later"] });
    });
    expect(await repository.manifest("later")).toMatchObject({ kind: "image", annotations: { later: "yes" } });
  });
}

/** A layout of the good image that is ours, and that has been written to, so that only what is new in it shows. */
async function oursOf(): Promise<string> {
  const directory = await new Specimen().write();
  await within(directory, ({ repository }) => repository.session((session) => session.putBlob(bytes("warm"))));
  return directory;
}

/** Ends each call in the same way? A refused one has written nothing, and the store goes on. */
export async function throughLibrary(calls: readonly Call[], row: Row): Promise<string[]> {
  const directory = await oursOf();
  const ends = await within(directory, async (at) => {
    const list: string[] = [];
    for (const call of calls) {
      const before = await snapshot(directory);
      const end = await endOf(() => call(at));
      if (end !== "accepted")
        expect(without(await snapshot(directory), leftBy(row))).toEqual(without(before, leftBy(row)));
      list.push(end);
    }
    return list;
  });
  await goesOn(directory);
  expect(Object.keys(Object.prototype)).toEqual([]);
  return ends;
}

/** What is found in a layout, whether garbage goes, and that nothing else does. */
export async function inLayout(taint: (specimen: Specimen) => void): Promise<string> {
  const specimen = new Specimen();
  taint(specimen);
  const directory = await specimen.write();
  const before = await snapshot(directory);
  const found = await endOf(() => within(directory, look, { readOnly: true }));
  expect(await snapshot(directory)).toEqual(before);
  const findings = new Set<string>();
  if (found !== "accepted") {
    const collected = await endOf(() => within(directory, ({ store }) => store.collect({ grace: 0 })));
    expect(collected).toBe(found);
    expect(without(await snapshot(directory), isLock)).toEqual(without(before, isLock));
    return found;
  }
  await within(directory, async ({ store }) => {
    for await (const { code } of store.check()) findings.add(code);
  });
  const collected = await endOf(() => within(directory, ({ store }) => store.collect({ grace: 0 })));
  const gone = await missing(directory, specimen);
  expect(gone.filter((path) => path !== `blobs/${sha256(GARBAGE).replace(":", "/")}`)).toEqual([]);
  await goesOn(directory);
  const { manifests } = JSON.parse(await readFile(join(directory, "index.json"), "utf8"));
  const kept = new Set((manifests as object[]).map((entry) => JSON.stringify(entry)));
  expect(specimen.entries.map((entry) => JSON.stringify(entry)).filter((entry) => !kept.has(entry))).toEqual([]);
  const end = collected === "accepted" ? "" : ` (${collected})`;
  return `${[...findings].sort().join(" ") || "sound"}; garbage ${gone.length > 0 ? "goes" : "stays"}${end}`;
}

/** Everything that only looks. */
async function look({ store, repository }: { readonly store: Store; readonly repository: Repository }): Promise<void> {
  for await (const { name } of repository.tags()) await endOf(() => repository.manifest(name));
  for await (const { digest } of store.roots())
    await endOf(async () => {
      for await (const _ of store.why(digest)) break;
    });
  for await (const _ of store.check());
  await store.usage();
  await endOf(() => store.planCollect({ grace: 0 }));
}

async function missing(directory: string, { files }: Specimen): Promise<string[]> {
  const there = await Promise.all([...files.keys()].map((path) => lstat(join(directory, path)).catch(() => undefined)));
  return [...files.keys()].filter((_, at) => there[at] === undefined);
}

/** How the import of an archive ends. What is refused is left out; what was in the store before is still whole. */
export async function inArchive(taint: (specimen: Specimen) => void): Promise<string> {
  const specimen = new Specimen();
  taint(specimen);
  const directory = await oursOf();
  const file = join(directory, "../archive.tar");
  const bytes = specimen.tar();
  await writeFile(file, bytes);
  const end = await endOf(async () => {
    const archive = await openArchive(file);
    try {
      await within(directory, ({ store }) => importArchive(archive, store));
    } finally {
      await archive.close();
    }
  });
  expect(Buffer.compare(await readFile(file), bytes)).toBe(0);
  await within(directory, async ({ store }) => {
    for await (const finding of store.check()) if (finding.level === "error") expect.unreachable(finding.message);
  });
  await goesOn(directory);
  return end;
}

/** What a terminal would obey, and what a reader would not see. A line feed ends a line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
const UNSEEN = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffd]/;

/** Runs a command line; its exit code, and the code of its error. Nothing that it prints is obeyed by a terminal. */
async function line(argv: readonly string[], cwd: string): Promise<string> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdin.end();
  const [out, err] = [collect(stdout), collect(stderr)];
  const exit = await run(argv, { stdin, stdout, stderr, env: {}, cwd });
  stdout.end();
  stderr.end();
  const [printed, said] = [await out, await err];
  expect({ argv, printed: UNSEEN.exec(printed + said) }).toEqual({ argv, printed: null });
  if (!argv.includes("--json")) return String(exit);
  const [code] = said.split("\n").flatMap((each) => (each === "" ? [] : (JSON.parse(each).error?.code ?? [])));
  return code === undefined ? String(exit) : `${exit} ${code}`;
}

async function collect(stream: PassThrough): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** How command lines on a store of ours end, as text and as JSON. A refused one has written nothing. */
export async function throughCommand(lines: readonly Line[], row: Row): Promise<string[]> {
  const directory = await oursOf();
  const cwd = join(directory, "..");
  const ends: string[] = [];
  for (const { argv, files = {} } of lines) {
    for (const [name, content] of Object.entries(files)) await writeFile(join(cwd, name), content);
    const before = await snapshot(directory);
    const end = await line(["--json", ...argv], cwd);
    if (end !== "0") expect(without(await snapshot(directory), leftBy(row))).toEqual(without(before, leftBy(row)));
    expect(await line(argv, cwd)).toBe(end.split(" ")[0]);
    ends.push(end);
  }
  await goesOn(directory);
  return ends;
}

const LOOKS: readonly (readonly string[])[] = [
  ["ls", "store"],
  ["tree", "store"],
  ["roots", "store"],
  ["du", "store"],
  ["graph", "store", "--format", "dot"],
  ["gc", "-n", "store"],
  ["fsck", "store"],
  ["inspect", "oci:store:evil"],
  ["manifest", "get", "--descriptor", "oci:store:evil"],
  ["rm", "-n", "oci:store:evil"],
  ["cp", "-n", "oci:store:evil", "oci:other"],
];

/**
 * Looks at a layout from all sides: whatever a verb ends in, it is no failure that nobody has thought of, and changes nothing.
 * How the first one ends, which only lists.
 */
export async function lookedAt(taint: (specimen: Specimen) => void, row: number): Promise<string> {
  const specimen = new Specimen();
  taint(specimen);
  const directory = await specimen.write();
  const before = await snapshot(directory);
  const ends: string[] = [];
  for (const [at, argv] of LOOKS.entries()) {
    // The one row as text, the next as JSON.
    const isJson = at === 0 || (at + row) % 2 === 0;
    const end = await line(isJson ? ["--json", ...argv] : argv, join(directory, ".."));
    expect(`${argv.join(" ")}: ${end}`).not.toMatch(/FAILED| E[A-Z]|ERR_/);
    ends.push(end);
  }
  expect(await snapshot(directory)).toEqual(before);
  return ends[0]!;
}
