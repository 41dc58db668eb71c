import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import type { Asked, Fault } from "../src/index.ts";
import { at, MIB, started } from "./support.ts";

/** A server with an object of a mebibyte, where this goes wrong with each request of this kind. */
async function struck(operation: Asked["operation"], fault: Fault) {
  let isOn = false;
  const all = await started({ fault: (asked) => (isOn && asked.operation === operation ? fault : undefined) });
  await all.s3.send(new PutObjectCommand({ ...at("a"), Body: Buffer.alloc(MIB, "a") }));
  isOn = true;
  const put = () => all.s3.send(new PutObjectCommand({ ...at("b"), Body: Buffer.alloc(MIB, "b") }));
  const get = async () => (await all.s3.send(new GetObjectCommand(at("a")))).Body!.transformToByteArray();
  const isStored = () => all.server.buckets.get("bucket")!.objects.has("b");
  return { put, get, isStored };
}

test("an answer in place of doing it", async () => {
  const { put, isStored } = await struck("PutObject", { answer: 503, code: "SlowDown" });
  await expect(put()).rejects.toMatchObject({ name: "SlowDown", $metadata: { httpStatusCode: 503 } });
  expect(isStored()).toBe(false);
});

test("a body that is none of S3's", async () => {
  const { put } = await struck("PutObject", { answer: 502, body: "<html>Bad gateway</html>" });
  await expect(put()).rejects.toMatchObject({ $metadata: { httpStatusCode: 502 } });
});

test("the connection is cut while a request comes: nothing is done", async () => {
  const { put, isStored } = await struck("PutObject", { cutRequestAfter: 64 * 1024 });
  await expect(put()).rejects.toThrow();
  expect(isStored()).toBe(false);
});

test("the connection is cut before the answer: it is done", async () => {
  const { put, isStored } = await struck("PutObject", { cutAnswerAfter: "head" });
  await expect(put()).rejects.toThrow();
  expect(isStored()).toBe(true);
});

test("the connection is cut in the middle of an answer", async () => {
  const { get } = await struck("GetObject", { cutAnswerAfter: 64 * 1024 });
  await expect(get()).rejects.toThrow();
});

test("it is done later, when its sender may have given up", async () => {
  let open = () => {};
  const until = new Promise<void>((resolve) => {
    open = resolve;
  });
  const { put, isStored } = await struck("PutObject", { until });
  const putting = put();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(isStored()).toBe(false);
  open();
  await putting;
  expect(isStored()).toBe(true);
});
