import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { readBody } from "./body.ts";
import { Bucket } from "./bucket.ts";
import { S3Failure } from "./failure.ts";
import { type Operation, operationOf, run } from "./operations/index.ts";
import type { S3Answer, S3Request } from "./request.ts";
import { type Credentials, mustBeSigned } from "./signature.ts";
import { xml } from "./xml.ts";

/** What was asked. */
export interface Asked {
  readonly operation: Operation;
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
}

/** What goes wrong with a request. */
export type Fault =
  /** This answer, in place of doing it; with 200 the error is in the body all the same. */
  | { readonly answer: number; readonly code: string; readonly headers?: Readonly<Record<string, string>> }
  /** This body, with this status, in place of doing it. */
  | { readonly answer: number; readonly body: string }
  /** It is not done and the connection is cut, after so many bytes of the request's body. */
  | { readonly cutRequestAfter: number }
  /** It is done, and the connection is cut after so many bytes of the answer's body, or before its head. */
  | { readonly cutAnswerAfter: number | "head" }
  /** It is done when this resolves. */
  | { readonly until: Promise<void> }
  /** Of a deletion of many: these keys stay, with this code. */
  | { readonly refuse: (key: string) => string | undefined };

export interface StrictOptions {
  readonly credentials?: Credentials;
  readonly buckets?: readonly string[];
  /** Ignores the conditions of writes, as some servers do. */
  readonly unconditional?: boolean;
  readonly now?: () => number;
  /** Asked of each request, before it is looked at. */
  readonly fault?: (asked: Asked) => Fault | undefined;
}

export interface StrictServer {
  readonly endpoint: string;
  readonly credentials: Credentials;
  /** All that was asked so far. */
  readonly asked: Asked[];
  readonly buckets: ReadonlyMap<string, Bucket>;
  close(): Promise<void>;
}

/**
 * A server that speaks S3 on the loopback, and is stricter than most: it checks signatures, checksums, lengths, conditions, the
 * size of parts and of lists; it says on demand what a bad day would say. It keeps all of it in memory.
 */
export async function strictServer(o: StrictOptions = {}): Promise<StrictServer> {
  const { credentials = { accessKeyId: "test", secretAccessKey: "secret" }, now = Date.now, fault } = o;
  const buckets = new Map((o.buckets ?? ["bucket"]).map((name) => [name, new Bucket()]));
  const asked: Asked[] = [];

  async function answerTo(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const place = placeOf(message);
    const operation = operationOf(place);
    const question: Asked = { operation, key: place.key, query: place.query };
    asked.push(question);
    const struck = fault?.(question);
    if (struck && "cutRequestAfter" in struck) return cutRequest(message, struck.cutRequestAfter);
    if (struck && "answer" in struck) return void send(response, await refused(message, struck));
    mustBeSigned(message, credentials);
    const { bytes, checksums } = await readBody(message);
    const bucket = buckets.get(place.bucket);
    if (!bucket) throw new S3Failure(404, "NoSuchBucket");
    if (struck && "until" in struck) await struck.until;
    const ground = { bucket, now, unconditional: o.unconditional ?? false };
    const refusal = struck && "refuse" in struck ? struck.refuse : () => undefined;
    const answer = run(operation, ground, { ...place, body: bytes, checksums }, refusal);
    if (struck && "cutAnswerAfter" in struck) return cutAnswer(response, answer, struck.cutAnswerAfter);
    send(response, answer);
  }

  const sockets = new Set<Socket>();
  const server = createServer((message, response) => {
    answerTo(message, response).catch((error: unknown) => {
      const { status, code, text } =
        error instanceof S3Failure
          ? { status: error.status, code: error.code, text: error.message }
          : { status: 500, code: "InternalError", text: String(error) };
      if (response.headersSent || response.destroyed) return void response.destroy();
      message.resume();
      // An answer to HEAD has no body.
      send(response, { status, ...(message.method !== "HEAD" && { body: failure(code, text) }) });
    });
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    credentials,
    asked,
    buckets,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function placeOf({ method = "", url = "/", headers }: IncomingMessage): Omit<S3Request, "body" | "checksums"> {
  const { pathname, searchParams } = new URL(url, "http://localhost");
  const [, bucket = "", ...key] = pathname.split("/");
  return {
    method,
    headers,
    bucket: decodeURIComponent(bucket),
    key: key.map(decodeURIComponent).join("/"),
    query: new Map(searchParams),
  };
}

const failure = (code: string, message: string) => xml("Error", { Code: code, Message: message, RequestId: "0" });

async function refused(message: IncomingMessage, fault: Extract<Fault, { answer: number }>): Promise<S3Answer> {
  for await (const _ of message);
  if ("body" in fault) return { status: fault.answer, body: fault.body };
  const body = message.method === "HEAD" ? {} : { body: failure(fault.code, fault.code) };
  return { status: fault.answer, ...(fault.headers && { headers: fault.headers }), ...body };
}

async function cutRequest(message: IncomingMessage, after: number): Promise<void> {
  const { socket } = message;
  let seen = 0;
  if (after > 0) {
    for await (const chunk of message) {
      seen += (chunk as Buffer).length;
      if (seen >= after) break;
    }
  }
  socket.destroy();
}

function cutAnswer(response: ServerResponse, answer: S3Answer, after: number | "head"): void {
  if (after === "head") return void response.socket?.destroy();
  const body = Buffer.from(answer.body ?? "");
  response.writeHead(answer.status, { "content-length": String(body.length), ...answer.headers });
  response.write(body.subarray(0, after), () => response.socket?.destroy());
}

function send(response: ServerResponse, { status, headers = {}, body }: S3Answer): void {
  const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
  const type = typeof body === "string" ? { "content-type": "application/xml" } : {};
  response.writeHead(status, { ...type, ...length, ...headers });
  response.end(body);
}
