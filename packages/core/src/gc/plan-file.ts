import type { Bytes } from "../contract/placement.ts";
import { OciStoreError } from "../errors.ts";
import { isDigest } from "../model/digest.ts";
import { isJsonObject, type JsonObject, parseJson } from "../model/json.ts";
import type { Plan, PlanHeader, PlanItem } from "./plan.ts";

/** A plan as lines of JSON, each with its line feed; what is kept is not in it. */
export function* planLines({ header, items }: Plan): Generator<string> {
  yield `${JSON.stringify(header)}\n`;
  for (const { digest, size, generation, kind, reason } of items) {
    yield `${JSON.stringify({ digest, size, generation, kind, reason })}\n`;
  }
}

const LINE_LIMIT = 64 * 1024 * 1024;
const LINE_FEED = 10;

/**
 * Reads what {@link planLines} wrote.
 *
 * @throws `MANIFEST_INVALID` if a line is not what it should be.
 */
export async function readPlan(bytes: Bytes): Promise<Plan> {
  let header: PlanHeader | undefined;
  const items: PlanItem[] = [];
  for await (const line of linesOf(bytes)) {
    const value = parseJson(line, { maxBytes: LINE_LIMIT });
    if (!isJsonObject(value)) throw invalid("a line is not an object");
    if (header) items.push(itemOf(value));
    else header = headerOf(value);
  }
  if (!header) throw invalid("it is empty");
  return { header, items, kept: [] };
}

async function* linesOf(bytes: Bytes): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array[] = [];
  for await (const chunk of bytes) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
      yield joined([...rest, chunk.subarray(from, end)]);
      rest = [];
      from = end + 1;
    }
    if (from < chunk.length) rest.push(chunk.slice(from));
  }
  if (rest.length > 0) yield joined(rest);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function headerOf(value: JsonObject): PlanHeader {
  const { plan, id, store, created, kind, changes, before, hold } = value;
  if (plan !== "ocistore/1") throw invalid(`its format is ${JSON.stringify(plan)}`);
  if (typeof id !== "string" || !/^[0-9a-f]{8,64}$/.test(id)) throw invalid("it has no id");
  if (typeof store !== "string" || typeof created !== "number") throw invalid("its header is not whole");
  if (!Number.isSafeInteger(hold) || (hold as number) < 0) throw invalid("its `hold` is no length of time");
  if (kind !== "delete" && kind !== "collect") throw invalid("it is of no known kind");
  if (before !== undefined && typeof before !== "number") throw invalid("its time is not a number");
  if (value.expired !== undefined && !isListOfExpired(value.expired)) throw invalid("its list of tags is not valid");
  if (!Array.isArray(changes) || !changes.every(isChangeSet)) throw invalid("its changes are not valid");
  return value as unknown as PlanHeader;
}

/** A plan takes away and never gives: of all the steps a catalog knows, only these may stand in one. */
function isChangeSet(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { repository, steps } = value as { repository?: unknown; steps?: unknown };
  if (typeof repository !== "string" || !Array.isArray(steps)) return false;
  return steps.every((step: Record<string, unknown>) => {
    if (typeof step !== "object" || step === null) return false;
    if (step.do === "untag") return typeof step.name === "string" && isDigestText(step.expect);
    if (step.do === "expire") {
      const isDated = step.before === undefined || typeof step.before === "number";
      return isDated && typeof step.name === "string" && isDigestText(step.on);
    }
    if (step.do === "disown") return typeof step.before === "number" && isDigestText(step.manifest);
    if (step.do === "remove" && !isListOfText(step.tags)) return false;
    return (step.do === "remove" || step.do === "drop" || step.do === "keep") && isDigestText(step.manifest);
  });
}

function itemOf({ digest, size, generation, kind, reason }: JsonObject): PlanItem {
  if (!isDigestText(digest)) throw invalid("an item has no valid digest");
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) throw invalid("an item has no valid size");
  if (typeof generation !== "string" || typeof reason !== "string") throw invalid("an item is not whole");
  if (kind !== "manifest" && kind !== "blob") throw invalid("an item is of no known kind");
  return { digest, size, generation, kind, reason } as PlanItem;
}

function isListOfExpired(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  return value.every(
    (each: Record<string, unknown> | null) =>
      typeof each === "object" && each !== null && isListOfText([each.repository, each.name, each.digest, each.reason]),
  );
}

function isListOfText(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function isDigestText(value: unknown): boolean {
  return typeof value === "string" && isDigest(value);
}

function invalid(why: string): OciStoreError {
  return new OciStoreError("MANIFEST_INVALID", `this is no plan that can be applied: ${why}`);
}
