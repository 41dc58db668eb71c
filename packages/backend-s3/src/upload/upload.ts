import {
  algorithmOf,
  type Bytes,
  createHasher,
  type Digest,
  type Environment,
  type Hasher,
  OciStoreError,
  type Placement,
  randomId,
  type Signal,
  type Upload,
} from "@ocistore/core";
import { copyObject } from "../copy.ts";
import type { Keys } from "../keys.ts";
import type { Multiparts } from "../multiparts.ts";
import type { Objects } from "../objects.ts";
import { readObject } from "../read.ts";
import type { Requests } from "../requests.ts";
import { Parts } from "./parts.ts";
import { readUpload, type StoredUpload, type UploadRecord, writeRecord, writeTail } from "./record.ts";

export interface Ground {
  readonly requests: Requests;
  readonly objects: Objects;
  readonly multiparts: Multiparts;
  readonly keys: Keys;
  readonly env: Environment;
  /** The ids of those that somebody in this process is writing to. */
  readonly writing: Set<string>;
}

/**
 * Bytes on their way into the bucket. Up to the size of a part they are gathered here and stored as one object; what is larger goes
 * in parts, a few side by side, so that memory stays bounded. What can be gone on with has a record, and its tail in an object.
 */
export class S3Upload implements Upload {
  readonly id: string;
  readonly #ground: Ground;
  readonly #isKept: boolean;
  #record: UploadRecord;
  #parts: Parts | undefined;
  #partsSent = 0;
  #tail: Uint8Array[] = [];
  #tailSize = 0;
  /** Of all bytes, if all have come by here. */
  #hasher: Hasher | undefined;
  #committed: Placement | undefined;
  #isPublished = false;

  constructor(ground: Ground, id: string, { record, parts, tail }: StoredUpload, isKept: boolean) {
    this.id = id;
    this.#ground = ground;
    this.#isKept = isKept;
    this.#record = record;
    this.#partsSent = parts.length;
    if (record.multipart !== undefined) this.#parts = new Parts(ground.multiparts, record.key, record.multipart, parts);
    if (parts.length === 0) this.#hasher = createHasher(record.algorithm);
    this.#gather(tail);
  }

  get offset(): number {
    return this.#partsSent * this.#record.partSize + this.#tailSize;
  }

  async write(chunks: Bytes, { at, signal }: Signal & { readonly at: number }): Promise<number> {
    const { writing } = this.#ground;
    if (writing.has(this.id)) throw locked(this.id);
    writing.add(this.id);
    try {
      await this.#mustBeAt(at, { signal });
      try {
        for await (const chunk of chunks) {
          signal?.throwIfAborted();
          this.#gather(chunk);
          while (this.#tailSize >= this.#record.partSize) await this.#sendPart({ signal });
        }
        signal?.throwIfAborted();
      } catch (error) {
        // The first error counts, and what has come before it stays.
        await this.#keepTail().catch(() => {});
        throw error;
      }
      await this.#keepTail();
      return this.offset;
    } finally {
      writing.delete(this.id);
    }
  }

  async commit(digest: Digest | undefined, o: Signal & { readonly size?: number } = {}): Promise<Placement> {
    o.signal?.throwIfAborted();
    if (this.#isKept) await this.#mustBeAt(this.offset, o);
    const actual = this.offset;
    if (o.size !== undefined && o.size !== actual) {
      await this.#giveUp();
      const data = { expected: o.size, actual };
      throw new OciStoreError("SIZE_MISMATCH", `${actual} bytes were sent, not ${o.size}`, data);
    }
    const { algorithm } = this.#record;
    const found = await this.#settle(digest === undefined ? algorithm : algorithmOf(digest), digest, actual, o);
    this.#committed = { ...found, size: actual };
    await this.#tidy(o);
    return this.#committed;
  }

  async publish(o: Signal = {}): Promise<void> {
    const { objects, keys } = this.#ground;
    const found = this.#committed && (await objects.head(keys.blob(this.#committed), o));
    if (!found) throw new OciStoreError("UPLOAD_UNKNOWN", `upload ${this.id} has not been committed, or is gone`);
    this.#isPublished = true;
  }

  async release(): Promise<void> {
    if (!this.#isPublished) this.#committed = undefined;
  }

  async abort(o: Signal = {}): Promise<void> {
    if (this.#ground.writing.has(this.id)) throw locked(this.id);
    if (this.#isPublished) return;
    // What nobody has been told of has no business to stay.
    if (this.#committed) await this.#erase([this.#ground.keys.blob(this.#committed)], o);
    this.#committed = undefined;
    await this.#giveUp();
  }

  /** Puts all of it where it belongs, if it is what it should be. */
  async #settle(
    algorithm: string,
    digest: Digest | undefined,
    size: number,
    o: Signal,
  ): Promise<Omit<Placement, "size">> {
    const { objects, keys, env } = this.#ground;
    const known = this.#hasher?.algorithm === algorithm ? this.#hasher.digest() : undefined;
    if (!this.#parts) {
      const bytes = Buffer.concat(this.#tail);
      const actual = known ?? digestOf(algorithm, bytes);
      await this.#mustBe(digest, actual);
      const place = { digest: actual, generation: randomId(env) };
      await objects.put(keys.blob(place), bytes, o);
      return place;
    }
    if (known !== undefined) await this.#mustBe(digest, known);
    if (this.#tailSize > 0) await this.#sendPart(o);
    await this.#parts.complete(await this.#parts.settled(), o);
    const { key } = this.#record;
    const actual = known ?? (await this.#digestOf({ key, size }, algorithm, o));
    const there = keys.placeOf(key);
    if (there?.digest === actual && (digest === undefined || digest === actual)) return there;
    if (digest !== undefined && digest !== actual) await this.#erase([key], o);
    await this.#mustBe(digest, actual);
    const place = { digest: actual, generation: randomId(env) };
    if (!(await copyObject(this.#ground, key, keys.blob(place), o))) {
      throw new OciStoreError("UPLOAD_UNKNOWN", `upload ${this.id} is gone`, { path: key });
    }
    await this.#erase([key], o);
    return place;
  }

  async #mustBe(expected: Digest | undefined, actual: Digest): Promise<void> {
    if (expected === undefined || expected === actual) return;
    await this.#giveUp();
    throw new OciStoreError("DIGEST_MISMATCH", `the bytes are ${actual}, not ${expected}`, { digest: expected });
  }

  /** Of what was stored in part by somebody else, and can be read only now. */
  async #digestOf(
    object: { readonly key: string; readonly size: number },
    algorithm: string,
    { signal }: Signal,
  ): Promise<Digest> {
    const hasher = createHasher(algorithm);
    for await (const chunk of readObject(this.#ground.objects, object, { signal })) hasher.update(chunk);
    return hasher.digest();
  }

  #gather(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#hasher?.update(chunk);
    this.#tail.push(chunk);
    this.#tailSize += chunk.length;
  }

  async #sendPart(o: Signal): Promise<void> {
    const { partSize } = this.#record;
    const all = this.#tail.length === 1 ? this.#tail[0]! : Buffer.concat(this.#tail);
    const body = all.subarray(0, partSize);
    this.#parts ??= await this.#begin(o);
    await this.#parts.send(this.#partsSent + 1, body, o);
    this.#tail = body.length < all.length ? [all.subarray(body.length)] : [];
    this.#tailSize = all.length - body.length;
    this.#partsSent += 1;
  }

  async #begin(o: Signal): Promise<Parts> {
    const { objects, multiparts, keys } = this.#ground;
    const { key } = this.#record;
    const multipart = await multiparts.begin(key, o);
    this.#record = { ...this.#record, multipart };
    if (this.#isKept) await writeRecord(objects, keys.record(this.id), this.#record, o);
    return new Parts(multiparts, key, multipart, []);
  }

  /** Not with the caller's signal: what has come so far is to stay. */
  async #keepTail(): Promise<void> {
    await this.#parts?.settled();
    if (!this.#isKept) return;
    const { objects, keys } = this.#ground;
    const bytes = Buffer.concat(this.#tail);
    await writeTail(objects, keys.tail(this.id), { start: this.#partsSent * this.#record.partSize, bytes });
  }

  /** @throws `CONFLICT` if it is somewhere else; by now, if somebody else has gone on with it. */
  async #mustBeAt(at: number, o: Signal): Promise<void> {
    let actual = this.offset;
    if (at === actual && this.#isKept && at > 0) {
      const stored = await readUpload(this.#ground, this.id, o);
      if (!stored) throw new OciStoreError("UPLOAD_UNKNOWN", `no upload ${this.id}`);
      actual = stored.parts.length * stored.record.partSize + stored.tail.length;
    }
    if (at === actual) return;
    const data = { expected: actual, actual: at };
    throw new OciStoreError("CONFLICT", `upload ${this.id} is at ${actual}, not at ${at}`, data);
  }

  /** Forgets it, with whatever it has stored. */
  async #giveUp(): Promise<void> {
    await this.#parts?.abandon();
    await this.#tidy({});
  }

  async #tidy(o: Signal): Promise<void> {
    const { keys } = this.#ground;
    if (this.#isKept) await this.#erase([keys.record(this.id), keys.tail(this.id), keys.data(this.id)], o);
  }

  async #erase(keys: readonly string[], o: Signal): Promise<void> {
    const [failure] = (await this.#ground.objects.delete(keys, o)).values();
    if (failure !== undefined) throw failure;
  }
}

function digestOf(algorithm: string, bytes: Uint8Array): Digest {
  const hasher = createHasher(algorithm);
  hasher.update(bytes);
  return hasher.digest();
}

function locked(id: string): OciStoreError {
  return new OciStoreError("LOCKED", `upload ${id} is being written to`);
}
