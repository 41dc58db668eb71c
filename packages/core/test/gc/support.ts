import {
  CellCatalog,
  type CellFacts,
  type Descriptor,
  type Environment,
  MemoryBlobs,
  memoryCell,
  openStore,
  type Packed,
  type Policy,
  type PutManifestOptions,
  packIndex,
  packManifest,
  type Repository,
  recordedFacts,
  type Store,
} from "../../src/index.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

export const utf8 = (text: string) => new TextEncoder().encode(text);

export interface Clock extends Environment {
  advance(ms: number): void;
}

function manualClock(): Clock {
  let now = 1_700_000_000_000;
  let drawn = 0;
  return {
    now: () => now,
    random: (bytes) => new Uint8Array(bytes).fill(++drawn % 256).map((value, place) => (value + place * drawn) % 256),
    sleep: async (ms) => {
      now += ms;
    },
    advance: (ms) => {
      now += ms;
    },
  };
}

/** A store in memory whose parts a test can get between. */
export function openParts(
  o: { readonly facts?: CellFacts; readonly policy?: Partial<Policy>; readonly generations?: boolean } = {},
) {
  const clock = manualClock();
  const blobs = new MemoryBlobs(clock, { generations: o.generations ?? true });
  const cell = memoryCell(clock, { grace: HOUR, window: 0, wait: 0, ...o.policy });
  const catalog = new CellCatalog(cell, { facts: o.facts ?? recordedFacts, env: clock, window: true });
  return { clock, blobs, cell, catalog, parts: { blobs, catalog, env: clock } };
}

export async function open(o: Parameters<typeof openParts>[0] = {}) {
  const { clock, blobs, catalog } = openParts(o);
  const store = await openStore({ blobs, catalog, env: clock });
  return { clock, blobs, catalog, store, app: store.repository("app") };
}

/** An image with a config and layers of these texts. */
export async function image(
  repository: Repository,
  layers: readonly string[],
  o: PutManifestOptions & { readonly subject?: Descriptor; readonly name?: string } = {},
): Promise<Descriptor> {
  return repository.session(async (session) => {
    const stored: Descriptor[] = [];
    for (const layer of layers) stored.push(await session.putBlob(utf8(layer)));
    const { subject, name = layers.join() } = o;
    // The first is the config too, so that an image of one text is two blobs and not three.
    const config = stored[0] && { ...stored[0], mediaType: "application/vnd.test.config" };
    const content = { artifactType: "a/test", layers: stored, annotations: { name }, ...(config && { config }) };
    return session.putManifest(packManifest(subject ? { ...content, subject } : content), o);
  });
}

export async function index(
  repository: Repository,
  manifests: readonly Descriptor[],
  o: PutManifestOptions & { readonly subject?: Descriptor } = {},
): Promise<Descriptor> {
  const packed: Packed = packIndex(o.subject ? { manifests, subject: o.subject } : { manifests });
  return repository.session((session) => session.putManifest(packed, o));
}

/** The bytes that are stored: short texts as they are, for the rest the digest. */
export async function contents(store: Store): Promise<string[]> {
  const list: string[] = [];
  for await (const located of store.parts.blobs.list()) {
    const pieces: string[] = [];
    for await (const piece of store.parts.blobs.read(located)) pieces.push(new TextDecoder().decode(piece));
    const text = pieces.join("");
    list.push(text.startsWith('{"schema') ? located.digest : text);
  }
  return list.sort();
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
