import type { Descriptor, Digest, Repository } from "@ocistore/core";
import { type Command, InvalidArgumentError } from "commander";
import type { Context } from "../context.ts";
import { bold, dim, soft } from "../output/line.ts";
import { size } from "../output/words.ts";
import { formatPlace } from "../place.ts";
import { subjectAt } from "../referrers-of.ts";
import type { Action } from "../run.ts";

interface Options {
  readonly artifactType?: string;
  readonly depth?: number;
}

export function addDiscover(program: Command, action: Action): void {
  program
    .command("discover")
    .description("what refers to a manifest, and what refers to that, as a tree")
    .argument("<reference>", "oci:DIR:TAG or oci:DIR@DIGEST; the start of a digest will do")
    .option("--artifact-type <type>", "only those of this type, on every level")
    .option("--depth <n>", "so many levels at most", depth)
    .action(
      action(async (context, text: string, o: Options) => {
        const place = context.reference(text);
        const { out } = context;
        await context.with(place, { write: false }, async (store) => {
          const repository = store.repository();
          const { digest: subject, descriptor } = await subjectAt(store, place, context);
          const mediaType = descriptor?.mediaType;
          out.object({
            depth: 0,
            digest: subject,
            ...(mediaType && { mediaType }),
            isStored: descriptor !== undefined,
          });
          out.row(bold(formatPlace({ ...place, target: { digest: subject } })));
          const found = await tell(context, repository, subject, o);
          if (found === 0) out.note({}, "nothing refers to it");
        });
      }),
    );
}

function depth(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("a whole number above 0 is wanted.");
  return Number(text);
}

interface Step {
  readonly descriptor: Descriptor;
  readonly subject: Digest;
  readonly depth: number;
  readonly prefix: string;
  readonly indent: string;
}

/** Parents first, with a stack of its own. What was told before is not opened again, and so a circle ends. */
async function tell(context: Context, repository: Repository, start: Digest, o: Options): Promise<number> {
  const { out, signal } = context;
  const met = new Set<Digest>([start]);
  const below = async (subject: Digest, level: number, indent: string): Promise<Step[]> => {
    if (o.depth !== undefined && level > o.depth) return [];
    const found: Descriptor[] = [];
    for await (const each of repository.referrers(subject, { signal, artifactType: o.artifactType })) found.push(each);
    return found.map((descriptor, at) => {
      const isLast = at === found.length - 1;
      const lines = { prefix: `${indent}${isLast ? "└─ " : "├─ "}`, indent: `${indent}${isLast ? "   " : "│  "}` };
      return { descriptor, subject, depth: level, ...lines };
    });
  };
  const stack = (await below(start, 1, "")).reverse();
  let told = 0;
  for (let step = stack.pop(); step; step = stack.pop()) {
    signal.throwIfAborted();
    const { descriptor, subject, prefix, indent } = step;
    const { digest, mediaType, artifactType } = descriptor;
    const isRepeated = met.has(digest);
    met.add(digest);
    told += 1;
    out.object({ depth: step.depth, subject, ...descriptor, isRepeated });
    const type = soft(artifactType ?? mediaType, "yellow");
    const rest = [dim(`  ${size(descriptor.size)}`), ...(isRepeated ? [dim("  as above")] : [])];
    out.row(dim(prefix), type, "  ", out.digest(digest), ...rest);
    await out.flow();
    if (!isRepeated) stack.push(...(await below(digest, step.depth + 1, indent)).reverse());
  }
  return told;
}
