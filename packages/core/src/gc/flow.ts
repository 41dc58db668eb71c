import type { GraphReader } from "../contract/catalog.ts";
import type { Signal } from "../contract/environment.ts";
import { IntList } from "../liveness/int-list.ts";
import { FlowGraph } from "../liveness/mark.ts";
import { manifestNode } from "../liveness/node.ts";
import { NodeTable } from "../liveness/node-table.ts";
import type { Digest } from "../model/digest.ts";

/** A store as the mark sees it, with integers for its nodes. Of bytes and of manifests only what is met has one. */
export interface Flow {
  readonly graph: FlowGraph;
  readonly nodes: NodeTable;
  readonly roots: IntList;
  /** The stored manifests: node after node. */
  readonly manifests: IntList;
  /** Pairs of a referrer and its subject, node after node: each keeps the other. */
  readonly subjects: IntList;
}

/** The arrows along which liveness flows, and where it springs from, for the mark of a whole store. */
export async function liveFlow(reader: GraphReader, o: Signal = {}): Promise<Flow> {
  const nodes = new NodeTable();
  const graph = new FlowGraph();
  const manifests = new IntList();
  const subjects = new IntList();
  const note = (repository: string, digest: Digest): number => {
    const id = nodes.id(repository, digest);
    manifests.push(id);
    graph.keeps(id, nodes.id(undefined, digest));
    return id;
  };

  // What is named as content may be a manifest that comes later, so it is decided last where these lead.
  const naming = new IntList();
  const named = new IntList();
  for await (const { repository, digest, record } of reader.manifests(o)) {
    o.signal?.throwIfAborted();
    if (repository === undefined) continue;
    const id = note(repository, digest);
    for (const { to, kind } of record.edges) {
      const bytes = nodes.id(undefined, to);
      if (kind === "subject") graph.keeps(id, bytes);
      else {
        naming.push(id);
        named.push(bytes);
      }
    }
    for (const subject of await reader.subjects(manifestNode(repository, digest), o)) {
      const subjectId = nodes.id(repository, subject.digest);
      graph.keeps(id, subjectId);
      graph.keeps(subjectId, id);
      subjects.push(id);
      subjects.push(subjectId);
    }
  }
  for await (const { repository, digest } of reader.unreadable(o)) {
    if (repository !== undefined) note(repository, digest);
  }
  for (let at = 0; at < naming.length; at++) {
    const from = naming.at(at);
    const bytes = named.at(at);
    const manifest = nodes.beside(bytes, from);
    graph.keeps(from, bytes);
    if (manifest !== undefined) graph.keeps(from, manifest);
  }
  const roots = new IntList();
  for await (const { repository, digest } of reader.allRoots(o)) {
    const bytes = nodes.id(undefined, digest);
    const id = repository === undefined ? bytes : nodes.id(repository, digest);
    // A pin may be on mere bytes, and a tag on what cannot be found.
    if (id !== bytes) graph.keeps(id, bytes);
    roots.push(id);
  }
  graph.include(nodes.size - 1);
  return { graph, nodes, roots, manifests, subjects };
}
