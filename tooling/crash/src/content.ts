import { type Descriptor, type Digest, descriptorOf, type Packed, packIndex, packManifest } from "@ocistore/core";

/** A blob or a manifest that scenarios speak of by its name. */
export interface Content {
  readonly bytes: Uint8Array;
  readonly descriptor: Descriptor;
  /** Of a manifest. */
  readonly packed?: Packed;
  /** What it refers to. */
  readonly subject?: Digest;
  /** The digests that it needs, its own among them. */
  readonly closure: ReadonlySet<Digest>;
}

const made = new Map<string, Content>();

export function content(name: string): Content {
  const found = made.get(name);
  if (!found) throw new Error(`no content is called ${name}`);
  return found;
}

export function digestNamed(name: string): Digest {
  return content(name).descriptor.digest;
}

function blob(name: string): Descriptor {
  const bytes = new TextEncoder().encode(`the bytes of ${name}`);
  const descriptor = descriptorOf(bytes, "application/octet-stream");
  made.set(name, { bytes, descriptor, closure: new Set([descriptor.digest]) });
  return descriptor;
}

function manifest(name: string, packed: Packed, below: readonly string[]): void {
  const { bytes, descriptor } = packed;
  const brought = packed.blobs.map((each) => each.descriptor.digest);
  const needs = below.flatMap((each) => [...content(each).closure]);
  const { subject } = packed.manifest;
  const refers = subject ? { subject: subject.digest } : {};
  made.set(name, { bytes, descriptor, packed, ...refers, closure: new Set([descriptor.digest, ...brought, ...needs]) });
}

function image(name: string, o: { readonly shared?: boolean; readonly subject?: string } = {}): void {
  const layers = [`layer of ${name}`, ...(o.shared ? ["shared"] : [])];
  blob(`layer of ${name}`);
  const subject = o.subject ? { subject: content(o.subject).descriptor } : {};
  const artifactType = `application/vnd.example.${name}`;
  manifest(
    name,
    packManifest({ artifactType, layers: layers.map((each) => content(each).descriptor), ...subject }),
    layers,
  );
}

function index(name: string, children: readonly string[]): void {
  manifest(name, packIndex({ manifests: children.map((each) => content(each).descriptor) }), children);
}

blob("shared");
blob("garbage");
for (const name of ["v1", "v2", "fresh"]) image(name, { shared: true });
for (const name of ["amd64", "arm64", "x86", "riscv", "later"]) image(name);
index("multi", ["amd64", "arm64"]);
index("pair", ["x86", "riscv"]);
image("signature", { subject: "multi" });
image("sbom", { subject: "pair" });

/** Everything that something here refers to. */
export const subjects: readonly Digest[] = [...made.values()].flatMap(({ subject }) => subject ?? []);

export function contentOf(digest: string): Content {
  const found = [...made.values()].find(({ descriptor }) => descriptor.digest === digest);
  if (!found) throw new Error(`nothing here is ${digest}`);
  return found;
}
