import type { ErrorCode, Repository, Store } from "@ocistore/core";
import type { Specimen } from "./specimen.ts";

/** Why an input has no way in through this surface, in a word. */
export interface Not {
  readonly not: string;
}

/** What the library makes of it: the code of its error, or it is taken. */
export type Said = ErrorCode | "TypeError" | "accepted";

/** What is to come of a bad input wherever it can come in. */
export interface Row {
  /** Of several ways in that one input has, which one: `, in index.json`. */
  readonly where?: string;
  /** It is refused after its own bytes have come in; nothing names those, and they stay claimed for another try. */
  readonly leaves?: "bytes";
  /** Calls of the library; each of them is to end so. */
  readonly library: Not | { readonly expect: Said; readonly calls: readonly Call[] };
  /** Puts it into a layout of another tool, which has a good image, `good`, and garbage that is old. */
  readonly taint?: (specimen: Specimen) => void;
  /**
   * Of that layout: what `check` finds, and whether a collection takes the garbage beside it (`goes`, or it `stays`); or the
   * code with which it cannot be opened.
   */
  readonly layout: Not | { readonly expect: string };
  /** Of a tar archive of that layout: how its import ends. */
  readonly archive: Not | { readonly expect: Said };
  /** Command lines in a directory where `store` is a layout of ours. */
  readonly command: Not | readonly Line[];
}

export type Call = (at: { readonly store: Store; readonly repository: Repository }) => Promise<unknown> | unknown;

export interface Line {
  readonly argv: readonly string[];
  /** How it ends: `2 USAGE`, or `0`. */
  readonly expect: string;
  /** Written beside the store before. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

export interface Named extends Row {
  /** `B7 upper case` */
  readonly title: string;
}

/** A table of inputs, by their ids and what they are. */
export function rules(_group: string, table: Readonly<Record<string, Row | readonly Row[]>>): readonly Named[] {
  return Object.entries(table).flatMap(([title, rows]) =>
    [rows].flat().map((row) => ({ ...row, title: `${title}${row.where ?? ""}` })),
  );
}

export const not = (why: string): Not => ({ not: why });
export const isNot = <T extends object>(surface: T | Not): surface is Not => "not" in surface;
export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
