import { expect, test } from "vitest";
import { decodeRecord, encodeRecord, FREE } from "../../src/lock/record.ts";
import { bytes } from "../support/bytes.ts";

const OWNER = { pid: 7, host: "a", boot: "b", namespace: "pid:[1]", start: "99" };

test("a record says who holds, until `free` is written over it", () => {
  const record = encodeRecord(OWNER, "t", "42");
  expect(decodeRecord(record)).toEqual({ state: "held", owner: OWNER, kernel: "42" });
  record.set(FREE);
  expect(decodeRecord(record)).toEqual({ state: "free" });
  expect(decodeRecord(bytes("free\n"))).toEqual({ state: "free" });
  const least = { pid: 7, host: "a" };
  expect(decodeRecord(encodeRecord(least, "t", undefined))).toMatchObject({ state: "held", owner: least });
});

test("nothing is concluded from anything else", () => {
  for (const content of ["", "\0\0\0"]) expect(decodeRecord(bytes(content))).toEqual({ state: "lost" });
  for (const content of [
    "fre",
    "held",
    "held \n",
    "held null",
    "held []",
    'held {"pid":7}',
    'held {"pid":0,"host":"a","token":"t"}',
    'held {"pid":-1,"host":"a","token":"t"}',
    'held {"pid":"7","host":"a","token":"t"}',
    'held {"pid":7,"host":"a","token":"t","start":9}',
    'held {"pid":7,"host":"a","token":"t"',
    'held2 {"pid":7,"host":"a","token":"t"}',
    "hfee{}",
    "\0held",
  ]) {
    expect(decodeRecord(bytes(content)), content).toEqual({ state: "unknown" });
  }
});
