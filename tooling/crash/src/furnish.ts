import { initLayout } from "@ocistore/backend-fs";
import type { Session } from "@ocistore/core";
import { content } from "./content.ts";
import { EMPTY, type State } from "./state.ts";
import { HOUR, type Place, Process } from "./world.ts";

export async function putBlob(session: Session, name: string): Promise<void> {
  await session.putBlob(content(name).bytes);
}

export async function putImage(
  session: Session,
  name: string,
  o: { readonly tag?: string; readonly shared?: boolean } = {},
) {
  await putBlob(session, `layer of ${name}`);
  await putManifest(session, name, o.tag);
}

export async function putManifest(session: Session, name: string, tag?: string): Promise<void> {
  await session.putManifest(content(name).packed!, { tags: tag === undefined ? [] : [tag] });
}

/** An empty layout, ours alone. */
export async function makeEmpty(place: Place): Promise<void> {
  const { fs, env } = new Process(place);
  await initLayout(place.directory, { fs, env });
}

/** Two images that share a layer, an index of two with a signature, and garbage; all older than the grace. */
export async function furnish(place: Place): Promise<Process> {
  await makeEmpty(place);
  const process = new Process(place);
  await (await process.store()).repository().session(async (session) => {
    for (const name of ["shared", "garbage"]) await putBlob(session, name);
    for (const name of ["v1", "v2"]) await putImage(session, name, { tag: name });
    for (const name of ["amd64", "arm64"]) await putImage(session, name);
    await putManifest(session, "multi", "multi");
    await putImage(session, "signature");
  });
  place.clock.advance(2 * HOUR);
  return process;
}

export const FURNISHED: State = {
  ...EMPTY,
  tags: { v1: "v1", v2: "v2", multi: "multi" },
  referrers: ["signature"],
};
