import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { ALL } from "../src/mutants/index.ts";
import { withTable } from "../src/table.ts";

const PAGE = new URL("../../../docs/proof.md", import.meta.url);

test("the page on proofs lists exactly these mutants, and what kills each", async () => {
  const page = await readFile(PAGE, "utf8");
  const wanted = withTable(page, ALL);
  if (process.env.OCISTORE_UPDATE) await writeFile(PAGE, wanted);
  else expect(page).toBe(wanted);
});
