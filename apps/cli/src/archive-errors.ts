import { type ErrorCode, isOciStoreError } from "@ocistore/core";
import { CliError, EXIT, usage } from "./errors.ts";
import { type Place, shellWord } from "./place.ts";

/** What changes things was pointed at an archive. */
export function onlyRead({ written }: Place): CliError {
  const file = shellWord(written);
  return usage(
    `oci-archive:${written} is only read`,
    `\`ocistore import ${file} oci:DIR\` makes a store of it, \`ocistore export oci:DIR -o ${file}\` an archive of a store`,
  );
}

/** What to do about an archive that cannot be opened; what is wrong is said of it by the name that the user gave it. */
export function archiveProblem(error: unknown, { directory, written }: Place): unknown {
  if (!isOciStoreError(error)) return error;
  const hint = HINTS[error.code];
  if (hint === undefined) return error;
  const exit = error.code === "UNSUPPORTED" ? EXIT.refused : EXIT.failed;
  const message = error.message.replace(directory, written);
  return new CliError(error.code, exit, message, { hint, data: { ...error.data }, cause: error });
}

const FORMAT = "oci-archive: is a tar file of an image layout, as `ocistore export` and skopeo write it";
const HINTS: { readonly [code in ErrorCode]?: string } = {
  UNSUPPORTED: FORMAT,
  LAYOUT_INVALID: FORMAT,
  CORRUPT: "fetch it or export it again",
};
