import { createHash } from "node:crypto";

export interface StoredObject {
  readonly bytes: Buffer;
  /** With its quotes, as it goes over the wire. */
  readonly etag: string;
  readonly modified: number;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Part {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly modified: number;
}

export interface Multipart {
  readonly key: string;
  readonly initiated: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: Map<number, Part>;
}

/** What lies in one bucket. */
export class Bucket {
  readonly objects = new Map<string, StoredObject>();
  readonly multiparts = new Map<string, Multipart>();
  #sorted: string[] | undefined;

  set(key: string, object: StoredObject): void {
    if (!this.objects.has(key)) this.#sorted = undefined;
    this.objects.set(key, object);
  }

  delete(key: string): void {
    if (this.objects.delete(key)) this.#sorted = undefined;
  }

  /** In the order of their UTF-8 bytes. */
  keys(): readonly string[] {
    this.#sorted ??= [...this.objects.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return this.#sorted;
  }
}

export const md5 = (bytes: Buffer): Buffer => createHash("md5").update(bytes).digest();
export const etagOf = (bytes: Buffer): string => `"${md5(bytes).toString("hex")}"`;
