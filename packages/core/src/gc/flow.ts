import type { GraphReader } from "../contract/catalog.ts";
import type { Signal } from "../contract/environment.ts";
import { FlowGraph } from "../liveness/mark.ts";
import { bytesNode, keyOf, manifestNode } from "../liveness/node.ts";
import type { Digest } from "../model/digest.ts";

export interface Flow {
  readonly graph: FlowGraph;
  readonly roots: readonly number[];
  /** The stored manifests, and the repositories that each is in. */
  readonly manifests: ReadonlyMap<Digest, readonly string[]>;
}

/** The arrows along which liveness flows, and where it springs from, for the mark of a whole store. */
export async function liveFlow(reader: GraphReader, o: Signal = {}): Promise<Flow> {
  const graph = new FlowGraph();
  const manifests = new Map<Digest, string[]>();
  const bytes = (digest: Digest) => graph.id(keyOf(bytesNode(digest)));
  const manifest = (repository: string, digest: Digest) => graph.id(keyOf(manifestNode(repository, digest)));
  const note = (repository: string, digest: Digest): number => {
    const id = manifest(repository, digest);
    graph.keeps(id, bytes(digest));
    manifests.set(digest, [...(manifests.get(digest) ?? []), repository]);
    return id;
  };

  for await (const { repository, digest, record } of reader.manifests(o)) {
    o.signal?.throwIfAborted();
    if (repository === undefined) continue;
    const id = note(repository, digest);
    for (const { to, kind } of record.edges) {
      graph.keeps(id, bytes(to));
      // A node of a manifest that is not stored here leads nowhere and does no harm.
      if (kind !== "subject") graph.keeps(id, manifest(repository, to));
    }
    for (const subject of await reader.subjects(manifestNode(repository, digest), o)) {
      const subjectId = manifest(repository, subject.digest);
      graph.keeps(id, subjectId);
      graph.keeps(subjectId, id);
    }
  }
  for await (const { repository, digest } of reader.unreadable(o)) {
    if (repository !== undefined) note(repository, digest);
  }
  const roots: number[] = [];
  for await (const { repository, digest } of reader.allRoots(o)) {
    if (repository !== undefined) roots.push(manifest(repository, digest));
    roots.push(bytes(digest));
  }
  return { graph, roots, manifests };
}
