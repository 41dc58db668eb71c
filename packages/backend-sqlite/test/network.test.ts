import { existsSync, statSync } from "node:fs";
import type * as promises from "node:fs/promises";
import { expect, test, vi } from "vitest";
import { sqliteCatalog } from "../src/index.ts";
import { temporaryFile, to } from "./support/place.ts";

// What the kernel says of a file system: a real mount of these needs a server that is not to be had everywhere.
const said = vi.hoisted(() => ({ type: undefined as number | undefined }));

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof promises>();
  const statfs = async (path: string) => {
    const found = await real.statfs(path);
    return { ...found, type: said.type ?? found.type };
  };
  return { ...real, statfs };
});

const open = (file: string) => sqliteCatalog({ connect: to(file), blobs: { capabilities: { generations: false } } });

test.each([
  ["NFS", 0x6969],
  ["SMB2", 0xfe534d42],
  ["SMB2", 0xfe534d42 | 0],
  ["CIFS", 0xff534d42 | 0],
  ["9P", 0x01021997],
  ["Ceph", 0x00c36400],
])("a catalog on %s (%i) is refused before anything is written", async (name, type) => {
  const file = temporaryFile();
  said.type = type;
  await expect(open(file)).rejects.toMatchObject({
    code: "UNSUPPORTED",
    message: expect.stringContaining(`is on ${name},`),
    data: { path: file },
  });
  expect(existsSync(file) ? statSync(file).size : 0).toBe(0);
  expect(existsSync(`${file}-wal`)).toBe(false);
});

test("one on the disk of this machine, and on what nobody knows, opens", async () => {
  for (const type of [undefined, 0x12345678]) {
    said.type = type;
    const catalog = await open(temporaryFile());
    expect(await catalog.identity()).toContain("sqlite:");
    await catalog.close();
  }
});
