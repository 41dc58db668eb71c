import type { SqlCatalog } from "@ocistore/backend-sqlite";
import type { Catalog, GraphReader } from "@ocistore/core";
import type { Process } from "../process.ts";
import { all, UNAVAILABLE } from "./shared-blobs.ts";

const LOOKS = new Set<string>(["policy", "resolve", "manifest", "locate"] satisfies (keyof Catalog)[]);
const LISTINGS = new Set<string>([
  "tags",
  "repositories",
  "pins",
  "referrers",
  "candidates",
  "condemned",
  "runs",
] satisfies (keyof Catalog)[]);
const QUESTIONS = new Set<string>([
  "roots",
  "parents",
  "subjects",
  "referrers",
  "manifest",
  "locate",
] satisfies (keyof GraphReader)[]);
const WALKS = new Set<string>(["manifests", "allRoots"] satisfies (keyof GraphReader)[]);

/** Those on which a plan rests that may be old when it is carried out: of a collection and of a deletion. */
const APART = new Set<string>(["candidates", "referrers"]);

type Method = (...args: unknown[]) => unknown;

/** A catalog of which each look at the tables is a call: between two of them another process may have changed something. */
export function looking(catalog: SqlCatalog, process: Process, isCoarse: boolean): Catalog {
  return apart(catalog, {
    process,
    isCoarse,
    looks: LOOKS,
    listings: LISTINGS,
    rest: (key, method) => {
      if (key !== "graph") return method;
      return async (...args) => {
        const graph = (await method(...args)) as GraphReader;
        return apart(graph, { process, isCoarse, looks: QUESTIONS, listings: WALKS, rest: (_, other) => other });
      };
    },
  });
}

interface Apart {
  readonly process: Process;
  readonly isCoarse: boolean;
  readonly looks: ReadonlySet<string>;
  readonly listings: ReadonlySet<string>;
  rest(key: string, method: Method): Method;
}

function apart<T extends object>(target: T, { process, isCoarse, looks, listings, rest }: Apart): T {
  const call = <R>(key: string, perform: () => R | Promise<R>) =>
    process.call({ name: `look: ${key}`, fails: UNAVAILABLE, matters: !isCoarse || APART.has(key) }, perform);
  return new Proxy(target, {
    get(_, key: string) {
      const value = Reflect.get(target, key);
      if (typeof value !== "function") return value;
      const method: Method = value.bind(target);
      if (looks.has(key)) return (...args: unknown[]) => call(key, () => method(...args));
      if (!listings.has(key)) return rest(key, method);
      return async function* (...args: unknown[]) {
        yield* await call(key, () => all(method(...args) as AsyncIterable<unknown>));
      };
    },
  });
}
