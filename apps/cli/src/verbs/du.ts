import type { RootUsage } from "@ocistore/core";
import type { Command } from "commander";
import { bold, dim, type Segment } from "../output/line.ts";
import { size } from "../output/words.ts";
import type { Action } from "../run.ts";

const COLUMNS = [
  { title: "REF", isSoft: true },
  { title: "SIZE", align: "right" },
  { title: "SHARED", align: "right" },
  { title: "UNIQUE", align: "right" },
] as const;

export function addDu(program: Command, action: Action): void {
  program
    .command("du")
    .description("who uses how much: all that a root keeps, what others keep too, what would go with it")
    .argument("[place]", "oci:DIR")
    .action(
      action(async (context, text: string | undefined) => {
        await context.with(context.place(text), { write: false }, async (store) => {
          const { out } = context;
          const { roots, ...total } = await store.usage({ signal: context.signal });
          const cells: Segment[][] = [];
          for (const row of roots) {
            const { root, size: bytes, shared, unique } = row;
            const { why, name, digest } = root;
            out.object({ root: why, ...(name !== undefined && { name }), digest, size: bytes, shared, unique });
            await out.flow();
            if (out.json) continue;
            cells.push([nameOf(row, (each) => out.digest(each)), size(bytes), size(shared), size(unique)]);
          }
          out.object({ total });
          if (out.json) return;
          out.table(COLUMNS, cells);
          const { live, garbage, condemned, uploads } = total;
          const more = [
            ...(condemned > 0 ? [`, condemned ${size(condemned)}`] : []),
            ...(uploads > 0 ? [`, unfinished uploads ${size(uploads)}`] : []),
          ];
          out.text(`in use ${size(live)}, garbage ${size(garbage)}${more.join("")}`);
        });
      }),
    );
}

function nameOf({ root: { why, name, digest } }: RootUsage, short: (digest: string) => string): Segment {
  if (why === "tag") return bold(name ?? "");
  return dim(why === "own" ? `<untagged> ${short(digest)}` : `<${why}> ${name ?? ""}`);
}
