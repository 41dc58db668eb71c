import type { Catalog, GraphReader, Root } from "@ocistore/core";
import type { Tables } from "../tables/tables.ts";
import { TablesGraph } from "./tables-graph.ts";

/** How many rows are read in one go, so that nothing else of this process waits for long. */
const PAGE = 1000;

interface Row {
  readonly repository: number;
  readonly id: number;
}

/** The graph for who only looks: every question is of its own moment, and what is decided by the answers is looked at again. */
export function graphReader(
  tables: () => Tables,
  catalog: Pick<Catalog, "manifest" | "locate">,
  pause: () => Promise<void>,
): GraphReader {
  /** A database answers at once, so that who asks much would never let go. */
  const asking = <T>(ask: (graph: TablesGraph) => T) => pause().then(() => ask(new TablesGraph(tables())));

  async function* allRoots(signal: AbortSignal | undefined): AsyncGenerator<Root> {
    let after: { readonly repository: number; readonly id: number } = { repository: 0, id: 0 };
    // Roots of members: tags are on members, and the own mark is on one.
    for (;;) {
      signal?.throwIfAborted();
      const page = tables();
      const rows = membersAfter(page, after);
      const graph = new TablesGraph(page);
      for (const { repository, id } of rows) {
        await pause();
        yield* graph.roots({ repository: page.repositoryName(repository), digest: page.digest(id) });
      }
      if (rows.length < PAGE) break;
      after = rows.at(-1)!;
    }
    const page = tables();
    const graph = new TablesGraph(page);
    for (const { repository, id } of page.sql.held.all({ now: page.now }) as Row[]) {
      signal?.throwIfAborted();
      const node = { repository: page.repositoryName(repository), digest: page.digest(id) };
      // Those of members have been told.
      if (!page.member(node.repository, node.digest)) yield* graph.roots(node);
    }
  }

  return {
    roots: (node) => asking((graph) => graph.roots(node)),
    parents: (node) => asking((graph) => graph.parents(node)),
    subjects: (node) => asking((graph) => graph.subjects(node)),
    referrers: (node) => asking((graph) => graph.referrers(node)),
    manifests: async function* ({ signal } = {}) {
      let after: Row = { repository: 0, id: 0 };
      for (;;) {
        signal?.throwIfAborted();
        const page = tables();
        const rows = membersAfter(page, after);
        for (const { repository, id } of rows) {
          await pause();
          const node = { repository: page.repositoryName(repository), digest: page.digest(id) };
          // Gone since the page was read, perhaps.
          const record = page.record(node.repository, node.digest);
          if (record) yield { ...node, record };
        }
        if (rows.length < PAGE) return;
        after = rows.at(-1)!;
      }
    },
    allRoots: ({ signal } = {}) => allRoots(signal),
    unreadable: async function* () {},
    manifest: (repository, digest, o) => catalog.manifest(repository, digest, o),
    locate: (repository, digest, o) => catalog.locate(repository, digest, o),
  };
}

function membersAfter(tables: Tables, { repository, id }: Row): Row[] {
  const rows = tables.sql.membersAfter.all(repository, id, PAGE) as { repository: number; manifest: number }[];
  return rows.map((row) => ({ repository: row.repository, id: row.manifest }));
}
