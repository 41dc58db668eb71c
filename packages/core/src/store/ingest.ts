import type { BlobStore, Upload, UploadOptions } from "../contract/blob-store.ts";
import { type Environment, randomId, type Signal } from "../contract/environment.ts";
import type { Placement } from "../contract/placement.ts";
import { isOciStoreError, OciStoreError } from "../errors.ts";
import { algorithmOf, type Digest, encodedOf } from "../model/digest.ts";
import { type BlobBytes, type BlobBytesFrom, pieces } from "./source.ts";

export interface IngestOptions extends Signal {
  readonly stream: BlobBytes | BlobBytesFrom;
  readonly digest: Digest | undefined;
  readonly size: number | undefined;
  /** The upload to go on with; `true`: the one named after the digest. */
  readonly resume: string | boolean | undefined;
  readonly onPiece: () => Promise<void>;
}

/** How often an upload may come and go between two looks before we say so. */
const ATTEMPTS = 8;

/**
 * Brings bytes in, lets `add` make them known, and resolves with what that says. If anything fails, an upload that can be gone
 * on with stays as far as it came, unless its bytes are proven wrong; any other is given up.
 */
export async function ingest<T>(
  { blobs, env }: { readonly blobs: BlobStore; readonly env: Environment },
  o: IngestOptions,
  add: (upload: Upload, placement: Placement) => Promise<T>,
): Promise<T> {
  const id = blobs.capabilities.resumableUploads ? resumableId(o) : undefined;
  const algorithm = o.digest === undefined ? "sha256" : algorithmOf(o.digest);
  const options = { signal: o.signal, algorithm, digest: o.digest };
  const attempt: Attempt = { hasBegun: false };
  const anonymous = async () => {
    const upload = await blobs.upload(randomId(env), { ...options, create: true, keep: false });
    return sent(upload, { ...o, keep: false }, attempt, add);
  };
  if (id === undefined) return anonymous();
  try {
    const upload = await openOrCreate(blobs, id, options);
    return await sent(upload, { ...o, keep: true }, attempt, add);
  } catch (error) {
    // Somebody else is sending the same. Nobody asked for this upload by its name, so waiting for it is no help.
    if (o.resume !== true || attempt.hasBegun || !isOciStoreError(error, "LOCKED")) throw error;
    return anonymous();
  }
}

interface Attempt {
  /** The source was asked for bytes: what fails from then on may be its own failure. */
  hasBegun: boolean;
}

/** The name of the upload of a digest; cut so that every backend can take it, since commit compares the whole. */
function resumableId({ resume, digest }: IngestOptions): string | undefined {
  if (resume === undefined || resume === false) return undefined;
  if (resume !== true) return resume;
  if (digest === undefined) throw new TypeError("resume: true needs a digest; give the upload a name");
  return `${algorithmOf(digest)}-${encodedOf(digest).slice(0, 64)}`;
}

async function openOrCreate(blobs: BlobStore, id: string, o: UploadOptions): Promise<Upload> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      return await blobs.upload(id, o);
    } catch (error) {
      if (!isOciStoreError(error, "UPLOAD_UNKNOWN")) throw error;
    }
    try {
      return await blobs.upload(id, { ...o, create: true });
    } catch (error) {
      if (!isOciStoreError(error, "ALREADY_EXISTS")) throw error;
    }
  }
  throw new OciStoreError("UNAVAILABLE", `upload ${id} comes and goes again and again`);
}

async function sent<T>(
  upload: Upload,
  o: IngestOptions & { readonly keep: boolean },
  attempt: Attempt,
  add: (upload: Upload, placement: Placement) => Promise<T>,
): Promise<T> {
  const { signal, size } = o;
  try {
    await upload.write(noting(o, upload, attempt), { signal, at: upload.offset });
    if (o.keep && size !== undefined && upload.offset < size) {
      // What was cut off without an error can go on; commit would give it up.
      const data = { expected: size, actual: upload.offset };
      throw new OciStoreError("SIZE_MISMATCH", `${upload.offset} bytes were sent, not ${size}`, data);
    }
    const placement = await upload.commit(o.digest, { signal, ...(size !== undefined && { size }) });
    return await add(upload, placement);
  } catch (error) {
    // Not with the signal: what was cancelled has to be cleared away too. The first error is the one to report.
    const isWrong = error instanceof WrongStart;
    if (o.keep && !isWrong) await upload.release().catch(() => {});
    else await upload.abort().catch(() => {});
    throw isWrong ? error.reported : error;
  }
}

/** What is stored cannot be the beginning of what the source has. */
class WrongStart extends Error {
  readonly reported: OciStoreError;

  constructor({ id, offset }: { readonly id: string; readonly offset: number }, cause: OciStoreError) {
    super(cause.message);
    const message = `upload ${id} had ${offset} bytes, more than its source has; it was given up, and the next try begins anew`;
    this.reported = new OciStoreError("SIZE_MISMATCH", message, cause.data, { cause });
  }
}

async function* noting(o: IngestOptions, upload: Upload, attempt: Attempt): AsyncGenerator<Uint8Array> {
  attempt.hasBegun = true;
  const start = upload.offset;
  let isFirst = true;
  const isShorter = (error: unknown): error is OciStoreError =>
    isOciStoreError(error, "RANGE_INVALID") ||
    (isOciStoreError(error, "SIZE_MISMATCH") && error.data.expected === start);
  try {
    for await (const piece of pieces(o.stream, { ...o, start })) {
      isFirst = false;
      yield piece;
    }
  } catch (error) {
    if (start > 0 && isFirst && isShorter(error)) throw new WrongStart({ id: upload.id, offset: start }, error);
    throw error;
  }
}
