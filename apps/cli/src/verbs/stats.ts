import type { Store } from "@ocistore/core";
import type { Command } from "commander";
import { formatDuration } from "../duration.ts";
import { count, size } from "../output/words.ts";
import type { Action } from "../run.ts";

export function addStats(program: Command, action: Action): void {
  program
    .command("stats")
    .description("how much there is of everything: content, tags, what waits to be looked at and to be erased")
    .argument("[place]", "oci:DIR")
    .action(
      action(async (context, text: string | undefined) => {
        const { out, signal } = context;
        await context.with(context.place(text), { write: false }, async (store) => {
          const stats = await statsOf(store, signal);
          out.object({ stats });
          if (out.json) return;
          const { blobs, manifests, roots, queue, condemned, uploads, policy } = stats;
          const { tag = 0, pin = 0, own = 0, claim = 0 } = roots;
          const lines = [
            ["content", `${count(blobs.count, "blob")}, ${size(blobs.bytes)}`],
            ["manifests", `${manifests}`],
            [
              "kept by",
              [count(tag, "tag"), count(own, "untagged root"), count(pin, "pin"), count(claim, "claim")].join(", "),
            ],
            [
              "queue",
              queue ? `${queue.due} of ${count(queue.count, "digest")} past the grace` : "none: a gc marks it all",
            ],
            ["condemned", `${count(condemned.count, "digest")}, ${size(condemned.bytes)}; ${condemned.due} due`],
            ["uploads", `${uploads.count}, ${size(uploads.bytes)}`],
            ["policy", `grace ${formatDuration(policy.grace)}, window ${formatDuration(policy.window)}`],
          ] as const;
          out.table(
            [{ title: "OF" }, { title: "THERE IS", isSoft: true }],
            lines.map(([name, words]) => [name, words]),
          );
        });
      }),
    );
}

interface Sum {
  count: number;
  bytes: number;
}

async function statsOf(store: Store, signal: AbortSignal) {
  const { catalog, blobs, env } = store.parts;
  const now = env.now();
  const policy = await store.policy({ signal });
  const sum = async (list: AsyncIterable<{ readonly size: number }>): Promise<Sum> => {
    const all = { count: 0, bytes: 0 };
    for await (const { size: bytes } of list) {
      all.count += 1;
      all.bytes += bytes;
    }
    return all;
  };
  const graph = await catalog.graph({ signal });
  let manifests = 0;
  for await (const _ of graph.manifests({ signal })) manifests += 1;
  const roots: { tag?: number; pin?: number; own?: number; claim?: number } = {};
  for await (const { why } of graph.allRoots({ signal })) roots[why] = (roots[why] ?? 0) + 1;
  const candidates = async (due: number) => {
    let all = 0;
    for await (const _ of catalog.candidates({ signal, due, limit: Number.POSITIVE_INFINITY })) all += 1;
    return all;
  };
  const queue = catalog.capabilities.queue
    ? { count: await candidates(Number.POSITIVE_INFINITY), due: await candidates(now - policy.grace) }
    : undefined;
  const condemned = { count: 0, bytes: 0, due: 0 };
  for await (const { size: bytes, until } of catalog.condemned({ signal })) {
    condemned.count += 1;
    condemned.bytes += bytes;
    if (until <= now) condemned.due += 1;
  }
  const uploads = { count: 0, bytes: 0 };
  for await (const { offset } of store.uploads({ signal })) {
    uploads.count += 1;
    uploads.bytes += offset;
  }
  return {
    blobs: await sum(blobs.list({ signal })),
    manifests,
    roots,
    ...(queue && { queue }),
    condemned,
    uploads,
    policy,
  };
}
