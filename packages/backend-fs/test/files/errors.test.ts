import { isOciStoreError, OciStoreError } from "@ocistore/core";
import { expect, test } from "vitest";
import { reported, toOciStoreError } from "../../src/files/errors.ts";
import { systemError } from "../support/faulty-file-system.ts";

test.each([
  ["ENOSPC", "NO_SPACE"],
  ["EDQUOT", "NO_SPACE"],
  ["EFBIG", "NO_SPACE"],
  ["EACCES", "PERMISSION"],
  ["EPERM", "PERMISSION"],
  ["EROFS", "READ_ONLY"],
  ["EMFILE", "UNAVAILABLE"],
  ["ENFILE", "UNAVAILABLE"],
  ["EAGAIN", "UNAVAILABLE"],
  ["EBUSY", "UNAVAILABLE"],
  ["ESTALE", "UNAVAILABLE"],
  ["ETIMEDOUT", "UNAVAILABLE"],
  ["EIO", "UNAVAILABLE"],
  ["ELOOP", "LAYOUT_INVALID"],
  ["ENOTDIR", "LAYOUT_INVALID"],
  ["EISDIR", "LAYOUT_INVALID"],
  ["ENAMETOOLONG", "LAYOUT_INVALID"],
  ["EXDEV", "UNAVAILABLE"],
  ["EUNHEARDOF", "UNAVAILABLE"],
])("%s is %s, with the path and the cause", (native, code) => {
  const cause = systemError(native, "open", "/a/b");
  const error = toOciStoreError(cause, "read the index", "/a/b");
  expect(isOciStoreError(error)).toBe(true);
  expect(error).toMatchObject({ code, data: { path: "/a/b" }, cause });
  expect((error as Error).message).toBe(`cannot read the index (${native}): /a/b`);
});

test("what is not the platform's passes unchanged", () => {
  const nodes = Object.assign(new TypeError("bad path"), { code: "ERR_INVALID_ARG_VALUE" });
  const aborted = new DOMException("gone", "AbortError");
  for (const error of [new OciStoreError("LOCKED", "no"), nodes, aborted, new Error("plain"), "text", undefined]) {
    expect(toOciStoreError(error, "read", "/a")).toBe(error);
  }
});

test("ENOENT is the caller's to judge", () => {
  const absent = systemError("ENOENT", "open", "/a");
  expect(toOciStoreError(absent, "read", "/a")).toBe(absent);
});

test("the reason of a signal passes even if it looks like a platform's error", async () => {
  const reason = systemError("ETIMEDOUT", "connect", "/a");
  const signal = AbortSignal.abort(reason);
  expect(toOciStoreError(reason, "read", "/a", signal)).toBe(reason);
  await expect(reported("read", "/a", () => Promise.reject(reason), signal)).rejects.toBe(reason);
  await expect(reported("read", "/a", () => Promise.reject(reason))).rejects.toMatchObject({ code: "UNAVAILABLE" });
});
