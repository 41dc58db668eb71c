import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);
const PEERS = new URL("../../peers/", import.meta.url);
const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "ocistore-ci", "peers");

/** The programs that tooling/peers/install-peers.sh builds, each where it leaves it. */
function built(): ReadonlyMap<string, string> {
  const lines = readFileSync(new URL("go-peers.txt", PEERS), "utf8").split("\n");
  const programs = lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line): [string, string] => {
      const [name = "", , version = ""] = line.split(" ");
      return [name, version];
    });
  programs.push(["oras-go", keyOf("oras-go/")]);
  return new Map(programs.map(([name, version]) => [name, join(CACHE, `${name}@${version}`, name)]));
}

/** What a program of ours is built of, in 12 digits. */
function keyOf(folder: string): string {
  const url = new URL(folder, PEERS);
  const hash = createHash("sha256");
  for (const name of readdirSync(url).sort()) hash.update(readFileSync(new URL(name, url)));
  return hash.digest("hex").slice(0, 12);
}

const PROGRAMS = built();
const OF_DEBIAN = ["skopeo", "umoci", "time"];

/** @throws One line that says what to do. */
export function requirePeers(): void {
  const path = (process.env.PATH ?? "").split(delimiter);
  const missing = [...PROGRAMS].filter(([, file]) => !existsSync(file)).map(([name]) => name);
  for (const name of OF_DEBIAN) if (!path.some((each) => existsSync(join(each, name)))) missing.push(name);
  if (missing.length > 0) throw new Error(`${missing.join(", ")} missing: run tooling/peers/install-peers.sh`);
}

/** What to start: one that was built, or a name to be found on the path. */
export const programOf = (name: string): string => PROGRAMS.get(name) ?? name;

/** Of each peer, the version that is measured. */
export async function versions(): Promise<ReadonlyMap<string, string>> {
  const said = async (name: string, ...args: string[]) => (await execute(programOf(name), args)).stdout;
  const first = (text: string) => /\d+\.\d+(\.\d+)?/.exec(text)?.[0] ?? text.trim();
  const module = /oras-go\/v2 v(\S+)/.exec(readFileSync(new URL("oras-go/go.mod", PEERS), "utf8"))?.[1] ?? "?";
  return new Map([
    ["oras-go", module],
    ["umoci", first(await said("umoci", "--version"))],
    ["skopeo", first(await said("skopeo", "--version"))],
    ["regctl", first(await said("regctl", "version", "--format", "{{.VCSTag}}"))],
    ["crane", first(await said("crane", "version"))],
  ]);
}
