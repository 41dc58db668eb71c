import { join } from "node:path";
import { openLayoutParts } from "@ocistore/backend-fs";
import { indexLayout, type ListingReport, layoutCatalog } from "@ocistore/backend-sqlite";
import { openStore, type Store } from "@ocistore/core";
import Database from "better-sqlite3";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { ours } from "./support/ours.ts";
import { findings, tagsOf } from "./support/store.ts";
import { requireTools, run, skopeo, temporary } from "./support/tools.ts";

beforeEach(() => requireTools("skopeo", "umoci"));

async function withCatalog(directory: string): Promise<{ store: Store; reports: ListingReport[] }> {
  const { blobs, listing, plain, install, catalogPath, hasCatalog } = await openLayoutParts(directory);
  const connectTo = (path: string) => () => new Database(path);
  if (!hasCatalog) await install((path) => indexLayout({ connect: connectTo(path), plain, blobs, listing }));
  const reports: ListingReport[] = [];
  const catalog = await layoutCatalog({
    connect: connectTo(catalogPath),
    blobs,
    listing,
    projection: "each-change",
    onListing: (report) => void reports.push(report),
  });
  const store = await openStore({ blobs, catalog });
  onTestFinished(() => store.close());
  return { store, reports };
}

test("what we write beside a catalog skopeo and umoci read, and what skopeo adds is ours with all that it names", async () => {
  const { directory, store: plain, app } = await ours();
  await plain.close();
  const { store, reports } = await withCatalog(directory);
  await store.repository().tag("app", "by-us");
  const theirs = join(await temporary(), "theirs");
  await skopeo("copy", "--quiet", "--all", "--preserve-digests", `oci:${directory}:by-us`, `oci:${theirs}:by-us`);
  await store.repository().untag("by-us");
  await skopeo("copy", "--quiet", "--all", "--preserve-digests", `oci:${theirs}:by-us`, `oci:${directory}:by-skopeo`);
  await store.repository().delete("app");
  expect(await tagsOf(store)).toEqual(["by-skopeo", "single"]);
  expect((await store.repository().resolve("by-skopeo")).digest).toBe(app.index.digest);
  await store.collect({ grace: 0 });
  expect(await findings(store)).toEqual([]);
  expect(reports).toMatchObject([{ takenIn: [`${app.index.digest} by-skopeo`], takenOut: [], putBack: [] }]);
  await skopeo("copy", "--quiet", "--all", `oci:${directory}:by-skopeo`, `dir:${join(await temporary(), "copy")}`);
});

test("content of its own that skopeo brings gets its rows, and stays; a tag that umoci takes out goes, and comes back by undo", async () => {
  const { directory, store: plain, single } = await ours();
  await plain.close();
  const { store, reports } = await withCatalog(directory);
  const other = await ours();
  await skopeo("copy", "--quiet", `oci:${other.directory}:single`, `oci:${directory}:brought`);
  // Of ours there is no older index.json that this could be.
  await run("umoci", ["rm", "--image", `${directory}:single`]);
  await store.collect({ grace: 0 });
  expect(await tagsOf(store)).toEqual(["app", "brought"]);
  expect(await findings(store)).toEqual([]);
  const [report] = reports;
  expect(report?.takenOut).toEqual([`${single.digest} single`]);
  await store.undo(report?.run);
  expect(await tagsOf(store)).toEqual(["app", "brought", "single"]);
  const listed = await run("umoci", ["ls", "--layout", directory]);
  expect(listed.trim().split("\n").sort()).toEqual(["app", "brought", "single"]);
});
