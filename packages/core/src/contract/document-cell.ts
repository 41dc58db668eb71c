import type { Signal } from "./environment.ts";

/**
 * A document that is read and replaced as a whole: a variable, an `index.json` under a lock, an object behind `If-Match`.
 * `CellCatalog` turns one into a {@link Catalog}; a cell itself knows no rule.
 */
export interface DocumentCell<State, Patch> {
  /**
   * Runs `fn` while no other writer of ours can replace the document. A cell without a lock just runs it, and loses in
   * {@link replace} now and then; its bytes must then have generations.
   *
   * @param o.frees What is done takes content away, or is on the way to that, so a cell may give it space that it keeps from
   * all others. `fn` may then be run a second time if it fails for want of space.
   */
  exclusive<T>(fn: () => Promise<T>, o?: Signal & { readonly frees?: boolean | undefined }): Promise<T>;
  /** One moment of the document, never a mixture of two. */
  load(o?: Signal): Promise<{ readonly state: State; readonly version: string }>;
  /**
   * Puts the patch into effect, durably, if the document is still the one that was loaded.
   *
   * @returns false: somebody else was first and nothing was changed. Load again and work the patch out anew.
   */
  replace(version: string, patch: Patch, o?: Signal): Promise<boolean>;
  close(): Promise<void>;
}
