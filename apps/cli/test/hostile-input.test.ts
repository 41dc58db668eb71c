import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { packIndex, packManifest, type Session } from "@ocistore/core";
import { expect, onTestFinished, test } from "vitest";
import {
  INDEX,
  LAYER_BLOB,
  named,
  pax,
  renamed,
  tar,
  WHOLE,
} from "../../../packages/backend-fs/test/support/tar-builder.ts";
import { cli, snapshot, temporary, withStore } from "./harness.ts";

test.each<[string, Uint8Array, string]>([
  ["a name that leads out", tar({ name: "../evil", content: "x" }, ...WHOLE), "LAYOUT_INVALID"],
  ["an absolute name", renamed((name) => `/${name}`), "LAYOUT_INVALID"],
  ["a name in an extended header that leads out", tar(pax({ path: "blobs/../../x" }), ...WHOLE), "LAYOUT_INVALID"],
  ["a symbolic link", named("index.json", { type: "2", content: "", link: "/etc/passwd" }), "LAYOUT_INVALID"],
  ["a hard link", named(LAYER_BLOB.name, { type: "1", content: "", link: "index.json" }), "LAYOUT_INVALID"],
  ["a device", named(LAYER_BLOB.name, { type: "3", content: "" }), "LAYOUT_INVALID"],
  ["a name twice", tar(...WHOLE, { ...INDEX, content: "{}" }), "LAYOUT_INVALID"],
  ["a size that is more than there is", named(LAYER_BLOB.name, { size: "77777777777" }), "CORRUPT"],
])(
  "B95: an archive with %s is refused by every verb that takes one, and nothing is written",
  async (_, bytes, code) => {
    const cwd = await temporary();
    await writeFile(join(cwd, "evil.tar"), bytes);
    const before = await snapshot(cwd);
    const lines = [
      ["import", "evil.tar", "oci:copy"],
      ["load", "-", "oci:copy"],
      ["cp", "oci-archive:evil.tar:v1", "oci:copy:v1"],
      ["pull", "oci-archive:evil.tar:v1", "-o", "out"],
      ["ls", "oci-archive:evil.tar"],
      ["fsck", "oci-archive:evil.tar"],
    ];
    for (const argv of lines) {
      const { exit, err } = await cli(["--json", ...argv], { cwd, piped: bytes });
      const said = JSON.parse(err.trim().split("\n").at(-1)!) as { error: { code: string } };
      expect({ argv, exit, code: said.error.code }).toEqual({ argv, exit: 1, code });
    }
    expect(await snapshot(cwd)).toEqual(before);
  },
);

test("B50, B51, B52: no address that content names is ever called", async () => {
  let calls = 0;
  const server = createServer((socket) => {
    calls += 1;
    socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const urls = [`http://${address}/layer`, `https://${address}/`, `file://${address}/etc/passwd`, address];

  const cwd = await temporary();
  const push = async (session: Session) => {
    const here = await session.putBlob(new TextEncoder().encode("here"));
    const elsewhere = packManifest({ artifactType: "application/vnd.example.elsewhere" }).descriptor;
    const annotations = Object.fromEntries(
      ["source", "url", "documentation"].map((key) => [`org.opencontainers.image.${key}`, `http://${address}/${key}`]),
    );
    const image = packManifest({
      artifactType: "application/vnd.example",
      layers: [
        { ...here, urls },
        { ...elsewhere, mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar", urls },
      ],
      annotations,
    });
    await session.putManifest(image);
    await session.putManifest(packIndex({ manifests: [{ ...image.descriptor, urls }], annotations }), { tags: ["v1"] });
  };
  await withStore(join(cwd, "store"), (store) => store.repository().session(push));
  const lines = [
    ["ls", "--all", "oci:store"],
    ["tree", "oci:store:v1"],
    ["inspect", "oci:store:v1"],
    ["discover", "oci:store:v1"],
    ["du", "oci:store"],
    ["fsck", "oci:store"],
    ["gc", "-n", "oci:store"],
    ["cp", "-a", "oci:store", "oci:copy"],
    ["export", "oci:store", "-o", "a.tar"],
    ["import", "a.tar", "oci:imported"],
    ["rm", "--yes", "oci:store:v1"],
  ];
  for (const argv of lines) expect({ argv, exit: (await cli(argv, { cwd })).exit }).toEqual({ argv, exit: 0 });
  expect(calls).toBe(0);
});
