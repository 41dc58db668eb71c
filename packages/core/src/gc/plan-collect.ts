import { append } from "../catalog/graph/multimap.ts";
import type { Change } from "../contract/catalog.ts";
import { checkedTime } from "../contract/checked.ts";
import { type Ms, randomId } from "../contract/environment.ts";
import type { Digest } from "../model/digest.ts";
import { type AgeingOptions, ageing } from "./ageing.ts";
import type { Parts } from "./parts.ts";
import type { Kept, Plan, PlanItem } from "./plan.ts";
import { markedGarbage } from "./plan-mark.ts";
import { queuedGarbage } from "./plan-queue.ts";
import { strayBytes } from "./plan-strays.ts";

export interface CollectOptions extends AgeingOptions {
  /** Leave alone what is younger; the policy's grace unless given. */
  readonly grace?: Ms | undefined;
  /** How long what it takes can be brought back; the window of the store unless given. */
  readonly window?: Ms | undefined;
  /** Stop when so many bytes are to go; the rest is for the next collection. At least one goes, however large. */
  readonly maxFreed?: number | undefined;
  /** Mark the whole store, also where the catalog knows what may have become garbage; and say what it did not know. */
  readonly full?: boolean | undefined;
  /**
   * Also list the blob store for bytes that the catalog has never heard of, which a process that died may have left, or another
   * tool. A collection does once a day unless this says otherwise, a plan only when asked; what marks the whole store does anyway.
   */
  readonly strays?: boolean | undefined;
}

/**
 * Works out what a collection would take: every byte that nothing keeps and that is past the grace. A catalog that keeps a
 * queue is asked what may have become garbage, so that the cost follows the garbage; of any other the whole store is marked.
 */
export async function planCollect(parts: Parts, o: CollectOptions = {}): Promise<Plan> {
  const { catalog, env } = parts;
  const policy = await catalog.policy(o);
  const grace = checkedTime(o.grace ?? policy.grace, "grace");
  // No grace is no question of age at all, of what is dated in the future neither.
  const before = grace === 0 ? undefined : env.now() - grace;
  const aged = await ageing(await catalog.graph(o), policy, { now: env.now(), before }, o);
  const isQueued = catalog.capabilities.queue;
  const queued = isQueued ? await queuedGarbage(parts, aged, { ...o, before }) : undefined;
  const marked = !isQueued || o.full ? await markedGarbage(parts, aged, { ...o, before }) : undefined;
  const found = marked ?? queued!;
  const strays = !marked && o.strays ? await strayBytes(parts, { ...o, before }) : { items: [], kept: [] };
  const missed = marked && queued ? await missedBy(parts, marked.items, queued.items) : [];
  const all = [...found.items.filter(({ digest }) => !missed.includes(digest)), ...strays.items];
  // A directory shows its files in an order of its own, and a plan of the same store is the same on each.
  all.sort((a, b) => order(a) - order(b) || (a.digest < b.digest ? -1 : 1));
  const items = o.maxFreed === undefined ? all : upTo(o.maxFreed, all);
  const later = all
    .slice(items.length)
    .map(({ digest, size }): Kept => ({ digest, size, because: "limit", heldBy: [] }));

  const changes = new Map([...aged.steps].map(([repository, steps]): [string, Change[]] => [repository, [...steps]]));
  for (const [repository, steps] of (queued ?? found).changes) {
    for (const step of steps) append(changes, repository, step);
  }
  const expired = aged.decisions
    .filter(({ keep }) => !keep)
    .map(({ repository, name, digest, reason }) => ({ repository, name, digest, reason }));
  return {
    header: {
      plan: "ocistore/1",
      id: randomId(env),
      store: await catalog.identity(o),
      created: env.now(),
      kind: "collect",
      changes: [...changes].map(([repository, steps]) => ({ repository, steps })),
      ...(expired.length > 0 && { expired }),
      before,
      // Waiting is for writers that honour no lock; who says that nothing is too young says that there are none.
      hold: Math.max(checkedTime(o.window ?? policy.window, "window"), grace === 0 ? 0 : policy.wait),
    },
    items,
    kept: [...found.kept, ...strays.kept, ...later],
    ...(queued && { reviewed: queued.reviewed }),
    ...(missed.length > 0 && { missed }),
    ...(aged.decisions.length > 0 && { decisions: aged.decisions }),
  };
}

/** The first so many bytes of them. Manifests come first, so what is left over is named by nothing that can be read. */
function upTo(bytes: number, items: readonly PlanItem[]): readonly PlanItem[] {
  let sum = 0;
  const end = items.findIndex(({ size }) => {
    sum += size;
    return sum >= bytes;
  });
  return end < 0 ? items : items.slice(0, end + 1);
}

const order = ({ kind }: PlanItem) => (kind === "manifest" ? 0 : 1);

/**
 * What a mark of the whole store calls garbage, and the queue should have known of. To take it would be to hide a mistake in
 * one of the two. What the catalog has never heard of is another matter: no queue can know that.
 */
async function missedBy(
  { catalog }: Parts,
  marked: readonly PlanItem[],
  queued: readonly PlanItem[],
): Promise<readonly Digest[]> {
  const known = new Set(queued.map(({ digest }) => digest));
  const missed: Digest[] = [];
  for (const { digest } of marked) {
    if (!known.has(digest) && (await catalog.locate(undefined, digest))) missed.push(digest);
  }
  return missed;
}
