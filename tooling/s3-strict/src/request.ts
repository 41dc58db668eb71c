import type { IncomingHttpHeaders } from "node:http";

/** A request whose signature and body have been checked. */
export interface S3Request {
  readonly method: string;
  readonly bucket: string;
  /** Empty for the bucket itself. */
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Of the body, in base 64, as the client has sent it and we have found it to be. */
  readonly checksums: ReadonlyMap<string, string>;
}

export interface S3Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** XML, or bytes. */
  readonly body?: string | Buffer;
}

export function header({ headers }: Pick<S3Request, "headers">, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
