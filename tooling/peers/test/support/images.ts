import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { type Descriptor, packIndex, packManifest, type Repository, type Session } from "@ocistore/core";

const encoder = new TextEncoder();

/** An image that a runtime would take, of one layer that holds these files on top of the shared one. */
export async function putImage(
  session: Session,
  o: {
    readonly architecture?: string;
    readonly files: Readonly<Record<string, string>>;
    readonly tags?: readonly string[];
  },
): Promise<Descriptor> {
  const { architecture = "amd64", files, tags = [] } = o;
  const layers: Descriptor[] = [];
  const diffIds: string[] = [];
  for (const content of [{ "etc/base": "the same in every image\n" }, files]) {
    const tar = tarOf(content);
    diffIds.push(`sha256:${createHash("sha256").update(tar).digest("hex")}`);
    layers.push(
      await session.putBlob({ stream: gzipSync(tar), mediaType: "application/vnd.oci.image.layer.v1.tar+gzip" }),
    );
  }
  const config = await session.putBlob({
    stream: encoder.encode(
      JSON.stringify({
        created: "2025-06-15T15:06:40Z",
        architecture,
        os: "linux",
        config: { Cmd: ["/bin/true"], WorkingDir: "/" },
        rootfs: { type: "layers", diff_ids: diffIds },
        history: diffIds.map((_, at) => ({ created: "2025-06-15T15:06:40Z", created_by: `layer ${at}` })),
      }),
    ),
    mediaType: "application/vnd.oci.image.config.v1+json",
  });
  return session.putManifest(packManifest({ config, layers }), { tags });
}

export interface MultiPlatform {
  readonly index: Descriptor;
  readonly amd64: Descriptor;
  readonly arm64: Descriptor;
  /** Refers to the index. */
  readonly sbom: Descriptor;
  /** Refers to the amd64 image. */
  readonly signature: Descriptor;
}

/** An index over two platforms, an SBOM of the whole and a signature of one part. */
export async function putMultiPlatform(repository: Repository, tag: string): Promise<MultiPlatform> {
  return repository.session(async (session) => {
    const child = async (architecture: string) => ({
      ...(await putImage(session, { architecture, files: { "usr/bin/app": `${tag} for ${architecture}\n` } })),
      platform: { architecture, os: "linux" },
    });
    const amd64 = await child("amd64");
    const arm64 = await child("arm64");
    const index = await session.putManifest(packIndex({ manifests: [amd64, arm64] }), { tags: [tag] });
    const layer = (text: string, mediaType: string) => session.putBlob({ stream: encoder.encode(text), mediaType });
    const sbom = await session.putManifest(
      packManifest({
        artifactType: "application/spdx+json",
        layers: [await layer(`{"spdxVersion":"SPDX-2.3","name":"${tag}"}`, "application/spdx+json")],
        subject: index,
      }),
    );
    const signature = await session.putManifest(
      packManifest({
        artifactType: "application/vnd.example.signature",
        layers: [await layer(`signed: ${tag}`, "application/vnd.example.signature")],
        subject: amd64,
      }),
    );
    return { index, amd64, arm64, sbom, signature };
  });
}

/** @see https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_06 ustar */
function tarOf(files: Readonly<Record<string, string>>): Uint8Array {
  const blocks: Uint8Array[] = [];
  const directories = new Set(Object.keys(files).flatMap(parentsOf));
  const add = (name: string, type: "0" | "5", content: Uint8Array) => {
    const header = Buffer.alloc(512);
    const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
    header.write(name, 0);
    header.write(octal(type === "5" ? 0o755 : 0o644, 7), 100);
    header.write(octal(0, 7) + octal(0, 7) + octal(content.length, 11) + octal(1_750_000_000, 11), 108);
    header.write(`        ${type}`, 148);
    header.write("ustar\x0000root\0", 257);
    header.write("root\0", 297);
    header.write(
      `${octal(
        header.reduce((sum, byte) => sum + byte, 0),
        6,
      )} `,
      148,
    );
    blocks.push(header, content, Buffer.alloc((512 - (content.length % 512)) % 512));
  };
  for (const name of [...directories].sort()) add(`${name}/`, "5", new Uint8Array());
  for (const [name, content] of Object.entries(files)) add(name, "0", encoder.encode(content));
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function parentsOf(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, at) => parts.slice(0, at + 1).join("/"));
}
