import type { ManifestRecord } from "../../contract/catalog.ts";
import type { Ms } from "../../contract/environment.ts";
import { FloatList } from "../../liveness/float-list.ts";
import { IntList } from "../../liveness/int-list.ts";
import type { Digest } from "../../model/digest.ts";
import type { ManifestMemory } from "./manifest-memory.ts";

/** A manifest as it was found: its row in the memory, and where it lies since when. */
export interface Found {
  readonly row: number;
  readonly generation: string;
  readonly pushed: Ms;
}

const UNREADABLE = -1;

interface Range {
  readonly name: string;
  readonly start: number;
  /** From here on, those that have lost their last reason. */
  lost: number;
  end: number;
}

/** The stored manifests of all repositories, one repository after the other. A member is a number. */
export class MemberList {
  readonly memory: ManifestMemory;
  readonly #digest = new IntList();
  readonly #row = new IntList();
  readonly #repository = new IntList();
  readonly #pushed = new FloatList();
  readonly #generations = new Map<number, string>();
  readonly errors = new Map<number, unknown>();
  readonly #ranges: Range[] = [];
  readonly #numbers = new Map<string, number>();

  constructor(memory: ManifestMemory) {
    this.memory = memory;
  }

  get size(): number {
    return this.#digest.length;
  }

  /** All that is added from now on is of this repository. */
  begin(name: string): number {
    this.#numbers.set(name, this.#ranges.length);
    return this.#ranges.push({ name, start: this.size, lost: Number.POSITIVE_INFINITY, end: this.size }) - 1;
  }

  /** All that is added from now on has lost its last reason. */
  beginLost(): void {
    this.#ranges.at(-1)!.lost = this.size;
  }

  /** @param id The number of its digest in the memory. */
  add(id: number, { row, generation, pushed }: Found): void {
    const member = this.#add(id, row, pushed);
    if (generation !== "") this.#generations.set(member, generation);
  }

  addUnreadable(id: number, error: unknown): void {
    this.errors.set(this.#add(id, UNREADABLE, 0), error);
  }

  #add(id: number, row: number, pushed: Ms): number {
    this.#digest.push(id);
    this.#row.push(row);
    this.#repository.push(this.#ranges.length - 1);
    this.#pushed.push(pushed);
    this.#ranges.at(-1)!.end = this.size;
    return this.size - 1;
  }

  /** The names of the repositories, by their numbers. */
  get repositories(): readonly string[] {
    return this.#ranges.map(({ name }) => name);
  }

  numberOf(repository: string): number | undefined {
    return this.#numbers.get(repository);
  }

  range(repository: number): { readonly start: number; readonly end: number } {
    return this.#ranges[repository]!;
  }

  repository(member: number): number {
    return this.#repository.at(member);
  }

  repositoryName(member: number): string {
    return this.#ranges[this.#repository.at(member)]!.name;
  }

  /** The number of its digest in the memory. */
  digestNumber(member: number): number {
    return this.#digest.at(member);
  }

  digest(member: number): Digest {
    return this.memory.digests.digest(this.#digest.at(member));
  }

  /** Its row in the memory; `undefined` if it cannot be read. */
  row(member: number): number | undefined {
    const row = this.#row.at(member);
    return row === UNREADABLE ? undefined : row;
  }

  isLost(member: number): boolean {
    return member >= this.#ranges[this.#repository.at(member)]!.lost;
  }

  /** As it was added; `undefined` if it cannot be read. */
  found(member: number): Found | undefined {
    const row = this.row(member);
    if (row === undefined) return undefined;
    return { row, generation: this.#generations.get(member) ?? "", pushed: this.#pushed.at(member) };
  }

  /** As it was read, without annotations. */
  record(member: number): ManifestRecord | undefined {
    const found = this.found(member);
    return found && this.memory.record(found.row, { ...found, digest: this.digest(member) });
  }
}
