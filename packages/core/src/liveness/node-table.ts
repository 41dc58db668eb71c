import type { GraphNode } from "../contract/catalog.ts";
import type { Digest } from "../model/digest.ts";
import { DigestTable } from "./digest-table.ts";
import { IntList } from "./int-list.ts";

const NONE = -1;
/** In the place of a repository: the bytes of a digest. */
const BYTES = -1;

/** Numbers nodes as they are met, from 0. One takes some 60 bytes, whatever its repository. */
export class NodeTable {
  readonly #digests = new DigestTable();
  readonly #repositories: string[] = [];
  readonly #numbers = new Map<string, number>();
  /** By node: its digest, its repository, and the next node of the same digest. */
  readonly #digestOf = new IntList();
  readonly #repositoryOf = new IntList();
  readonly #next = new IntList();
  /** By digest: its first node. */
  readonly #first = new IntList();

  /** How many there are. */
  get size(): number {
    return this.#digestOf.length;
  }

  /** The number of a node; a new one if it has not been met before. */
  id(repository: string | undefined, digest: Digest): number {
    const place = repository === undefined ? BYTES : this.#numberOf(repository);
    const of = this.#digests.id(digest);
    if (of === this.#first.length) this.#first.push(NONE);
    const first = this.#first.at(of);
    let last = NONE;
    for (let node = first; node !== NONE; node = this.#next.at(node)) {
      if (this.#repositoryOf.at(node) === place) return node;
      last = node;
    }
    const node = this.#digestOf.push(of);
    this.#repositoryOf.push(place);
    this.#next.push(NONE);
    if (last === NONE) this.#first.set(of, node);
    else this.#next.set(last, node);
    return node;
  }

  /** Its number, if it has been met before. */
  find(repository: string | undefined, digest: Digest): number | undefined {
    const of = this.#digests.find(digest);
    const place = repository === undefined ? BYTES : this.#numbers.get(repository);
    return of === undefined || place === undefined ? undefined : this.#among(of, place);
  }

  /** The node of the digest of one node, in the repository of another, if it has been met. */
  beside(node: number, other: number): number | undefined {
    return this.#among(this.#digestOf.at(node), this.#repositoryOf.at(other));
  }

  /** The bytes that a manifest is, if they have been met. */
  bytesOf(node: number): number | undefined {
    return this.#among(this.#digestOf.at(node), BYTES);
  }

  node(id: number): GraphNode {
    const place = this.#repositoryOf.at(id);
    return { repository: place === BYTES ? undefined : this.#repositories[place], digest: this.digest(id) };
  }

  digest(id: number): Digest {
    return this.#digests.digest(this.#digestOf.at(id));
  }

  #among(digest: number, place: number): number | undefined {
    for (let node = this.#first.at(digest); node !== NONE; node = this.#next.at(node)) {
      if (this.#repositoryOf.at(node) === place) return node;
    }
    return undefined;
  }

  #numberOf(repository: string): number {
    const known = this.#numbers.get(repository);
    if (known !== undefined) return known;
    this.#numbers.set(repository, this.#repositories.length);
    return this.#repositories.push(repository) - 1;
  }
}
