import type { Command } from "commander";
import { EXIT } from "../errors.ts";
import { styled } from "../output/line.ts";
import { count, size } from "../output/words.ts";
import type { Action } from "../run.ts";

export function addFsck(program: Command, action: Action): void {
  program
    .command("fsck")
    .alias("verify")
    .description("is it all sound: every byte against its digest, every name against what is there; exit 4 if not")
    .argument("[place]", "oci:DIR")
    .option("--fast", "names and sizes only; reads no blob")
    .action(
      action(async (context, text: string | undefined, o: { fast?: boolean }) =>
        context.with(context.place(text), { write: false }, async (store) => {
          const { out, signal } = context;
          let [checked, bytes, errors, warnings] = [0, 0, 0, 0];
          const onChecked = (blob: { readonly size: number }) => {
            checked += 1;
            bytes += blob.size;
            out.progress(() => `${count(checked, "blob")}, ${size(bytes)}`);
          };
          for await (const finding of store.check({ signal, fast: o.fast, onChecked })) {
            const { level, code, digest, namedBy, message } = finding;
            if (level === "error") errors += 1;
            else warnings += 1;
            const by = namedBy ? `  (named by ${namedBy})` : "";
            out.result(
              { finding: code, level, digest, ...(namedBy && { namedBy }), message },
              styled(level === "error" ? "red" : "yellow", `${level}: ${code}`),
              `  ${digest}  ${message}${by}`,
            );
            await out.flow();
          }
          out.endProgress();
          const words = o.fast ? "names and sizes" : `${count(checked, "blob")}, ${size(bytes)}`;
          const found =
            errors + warnings === 0 ? "all is sound" : `${count(errors, "error")}, ${count(warnings, "warning")}`;
          out.result({ summary: { checked, bytes, errors, warnings } }, `checked ${words}: ${found}`);
          return errors + warnings > 0 ? EXIT.findings : EXIT.done;
        }),
      ),
    );
}
