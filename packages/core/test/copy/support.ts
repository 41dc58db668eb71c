import {
  type CopyEvent,
  type Descriptor,
  type Digest,
  MEDIA_TYPES,
  openMemory,
  packIndex,
  packManifest,
  type ReadableRepository,
  type Repository,
  type Store,
  type WritableRepository,
} from "../../src/index.ts";

export const utf8 = (text: string) => new TextEncoder().encode(text);

/** Two stores, with a repository of each. */
export async function pair(): Promise<{ source: Store; target: Store; from: Repository; to: Repository }> {
  const [source, target] = [await openMemory(), await openMemory({ generations: false })];
  return { source, target, from: source.repository("from"), to: target.repository("to") };
}

export interface Fixture {
  readonly base: Descriptor;
  readonly amd64: Descriptor;
  readonly arm64: Descriptor;
  readonly windows: Descriptor;
  readonly attestation: Descriptor;
  /** An index of the four, tagged `v1`. */
  readonly v1: Descriptor;
  /** Refers to the index, to a child of it, and to the first of these. */
  readonly signature: Descriptor;
  readonly sbom: Descriptor;
  readonly signatureOfSignature: Descriptor;
}

/** An image of three platforms with an attestation of one, and with referrers at two depths. */
export async function furnish(repository: Repository): Promise<Fixture> {
  return repository.session(async (session) => {
    const base = await session.putBlob({ stream: utf8("the base layer"), mediaType: MEDIA_TYPES.layer });
    const image = async (os: string, architecture: string, more: object = {}) => {
      const config = await session.putBlob({
        stream: utf8(JSON.stringify({ os, architecture, rootfs: { type: "layers", diff_ids: [] } })),
        mediaType: MEDIA_TYPES.imageConfig,
      });
      const own = await session.putBlob({
        stream: utf8(`layer of ${architecture} on ${os}`),
        mediaType: MEDIA_TYPES.layer,
      });
      const pushed = await session.putManifest(packManifest({ config, layers: [base, own] }));
      return { ...pushed, platform: { os, architecture, ...more } };
    };
    const amd64 = await image("linux", "amd64");
    const arm64 = await image("linux", "arm64", { variant: "v8" });
    const windows = await image("windows", "amd64", { "os.version": "10.0.1" });
    const proof = await session.putBlob({
      stream: utf8("how it was built"),
      mediaType: "application/vnd.in-toto+json",
    });
    const attesting = await session.putManifest(
      packManifest({ artifactType: "application/vnd.test.attestation", layers: [proof] }),
    );
    const attestation = {
      ...attesting,
      platform: { os: "unknown", architecture: "unknown" },
      annotations: { "vnd.docker.reference.digest": amd64.digest },
    };
    const v1 = await session.putManifest(
      packIndex({ manifests: [amd64, arm64, windows, attestation], annotations: { by: "test" } }),
      { tags: ["v1"] },
    );
    const refer = async (subject: Descriptor, type: string, annotations = {}) => {
      const layer = await session.putBlob(utf8(`${type} of ${subject.digest}`));
      return session.putManifest(packManifest({ artifactType: type, layers: [layer], subject, annotations }));
    };
    const signature = await refer(v1, "test/signature", { by: "alice" });
    const sbom = await refer(amd64, "test/sbom", { by: "bob" });
    const signatureOfSignature = await refer(signature, "test/signature", { by: "carol" });
    return { base, amd64, arm64, windows, attestation, v1, signature, sbom, signatureOfSignature };
  });
}

/** The digests that are stored. */
export async function stored(store: Store): Promise<Set<Digest>> {
  const digests = new Set<Digest>();
  for await (const { digest } of store.parts.blobs.list()) digests.add(digest);
  return digests;
}

export async function tagsOf(repository: Repository): Promise<Record<string, Digest>> {
  const tags: Record<string, Digest> = {};
  for await (const { name, digest } of repository.tags()) tags[name] = digest;
  return tags;
}

/** What check finds; nothing if all is well. */
export async function findings(store: Store): Promise<string[]> {
  const list: string[] = [];
  for await (const { code, digest } of store.check()) list.push(`${code} ${digest}`);
  return list;
}

/** The same repository, with some of its methods replaced. */
export function but<R extends ReadableRepository | WritableRepository>(repository: R, methods: Partial<R>): R {
  return new Proxy(repository, {
    get(target, name) {
      if (name in methods) return methods[name as keyof R];
      const value = target[name as keyof R];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Events as short texts, in their order. */
export function recorder(): { readonly events: string[]; readonly onProgress: (event: CopyEvent) => void } {
  const events: string[] = [];
  const onProgress = (event: CopyEvent) => {
    if (event.event === "tagged" || event.event === "kept") events.push(`${event.event} ${event.tag}`);
    else events.push(`${event.event} ${event.kind} ${event.descriptor.digest}`);
  };
  return { events, onProgress };
}
