import type { Digest } from "@ocistore/core";
import type { Member } from "../tables/tables.ts";

interface TagBefore {
  readonly repository: string;
  readonly name: string;
  readonly digest: Digest;
}

interface MemberBefore {
  readonly repository: string;
  readonly digest: Digest;
  readonly member: Member | undefined;
}

/** How tags and members were before a command changed them first, for the record of its run. */
export class Journal {
  readonly #tags = new Map<string, TagBefore>();
  readonly #gone = new Map<string, MemberBefore>();
  readonly #marks = new Map<string, MemberBefore>();

  tag(repository: string, name: string, digest: Digest): void {
    const key = `${repository} ${name}`;
    if (!this.#tags.has(key)) this.#tags.set(key, { repository, name, digest });
  }

  gone(repository: string, digest: Digest, member: Member | undefined): void {
    this.#gone.set(`${repository} ${digest}`, { repository, digest, member });
  }

  /** Its own mark is about to change. */
  mark(repository: string, digest: Digest, member: Member | undefined): void {
    const key = `${repository} ${digest}`;
    if (!this.#marks.has(key)) this.#marks.set(key, { repository, digest, member });
  }

  get tags(): readonly TagBefore[] {
    return [...this.#tags.values()];
  }

  /** As each was when the command began. */
  get members(): readonly MemberBefore[] {
    return [...this.#gone].map(([key, gone]) => this.#marks.get(key) ?? gone);
  }

  get marks(): readonly MemberBefore[] {
    return [...this.#marks].filter(([key]) => !this.#gone.has(key)).map(([, mark]) => mark);
  }
}
