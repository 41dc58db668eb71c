import { readFileSync } from "node:fs";

/** Of this package; the file lies beside `src` and `dist` alike. */
export function packageVersion(): string {
  const json = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(json) as { version: string }).version;
}
