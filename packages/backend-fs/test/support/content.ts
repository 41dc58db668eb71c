import {
  type Descriptor,
  type Digest,
  type Finding,
  packIndex,
  packManifest,
  type Repository,
  type Session,
  type Store,
} from "@ocistore/core";
import { bytes } from "./bytes.ts";
import { HOUR, type World } from "./world.ts";

export async function putImage(
  session: Session,
  name: string,
  o: { readonly tag?: string; readonly layers?: readonly Descriptor[]; readonly subject?: Descriptor } = {},
): Promise<Descriptor> {
  const layers = o.layers ?? [await session.putBlob(bytes(`layer of ${name}`))];
  const subject = o.subject && { subject: o.subject };
  const packed = packManifest({ artifactType: `application/vnd.example.${name}`, layers, ...subject });
  return session.putManifest(packed, { tags: o.tag === undefined ? [] : [o.tag] });
}

export const SHARED = bytes("a layer that several images share");

/** Old enough to be collected: an index with two children and a signature, two images that share a layer, and garbage. */
export async function furnish(world: World): Promise<{ v1: Digest; v2: Digest; multi: Digest; garbage: Digest }> {
  const { store, repository } = await world.actor();
  const content = await repository.session(async (session) => {
    const shared = await session.putBlob(SHARED);
    const image = async (name: string) =>
      putImage(session, name, { tag: name, layers: [shared, await session.putBlob(bytes(`layer of ${name}`))] });
    const [v1, v2] = [await image("v1"), await image("v2")];
    const children = [await putImage(session, "amd64"), await putImage(session, "arm64")];
    const multi = await session.putManifest(packIndex({ manifests: children }), { tags: ["multi"] });
    await putImage(session, "signature", { subject: multi });
    const garbage = await session.putBlob(bytes("nobody names this"));
    return { v1: v1.digest, v2: v2.digest, multi: multi.digest, garbage: garbage.digest };
  });
  await store.close();
  world.clock.advance(2 * HOUR);
  return content;
}

export async function tagsOf(repository: Repository): Promise<Record<string, Digest>> {
  const tags: Record<string, Digest> = {};
  for await (const { name, digest } of repository.tags()) tags[name] = digest;
  return tags;
}

/** What `check` finds wrong. */
export async function errorsOf(store: Store): Promise<string[]> {
  const errors: Finding[] = [];
  for await (const finding of store.check()) if (finding.level === "error") errors.push(finding);
  return errors.map(({ code, digest, message }) => `${code} ${digest}: ${message}`);
}
