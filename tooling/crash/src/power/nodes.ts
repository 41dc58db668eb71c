/** A file as processes see it, as it lies on the disk, and what of the difference nothing has synced yet. */
export interface FileNode {
  readonly kind: "file";
  readonly id: number;
  mode: number;
  now: FileState;
  durable: FileState;
  pending: DataChange[];
}

export interface FileState {
  readonly bytes: Uint8Array;
  readonly modified: number;
}

export type DataChange =
  | { readonly do: "write"; readonly at: number; readonly bytes: Uint8Array; readonly modified: number }
  | { readonly do: "truncate"; readonly size: number; readonly modified: number }
  | { readonly do: "touch"; readonly modified: number };

export interface DirectoryNode {
  readonly kind: "directory";
  readonly id: number;
  mode: number;
  modified: number;
  /** As processes see it. */
  readonly entries: Map<string, Node>;
  /** As it lies on the disk. */
  readonly durable: Map<string, Node>;
}

export type Node = FileNode | DirectoryNode;

/** A change of a directory that nothing has synced yet: all of its names, or none. */
export interface EntryChange {
  readonly directory: DirectoryNode;
  readonly sets: readonly (readonly [name: string, to: Node | undefined])[];
  /** These are durable whenever this one is. */
  readonly needs: readonly EntryChange[];
}

export function changed(state: FileState, change: DataChange): FileState {
  const { modified } = change;
  if (change.do === "touch") return { bytes: state.bytes, modified };
  const size = change.do === "truncate" ? change.size : Math.max(state.bytes.length, change.at + change.bytes.length);
  const bytes = new Uint8Array(size);
  bytes.set(state.bytes.subarray(0, size));
  if (change.do === "write") bytes.set(change.bytes, change.at);
  return { bytes, modified };
}

/** Sets a name, or takes it away. */
export function setEntry(entries: Map<string, Node>, name: string, to: Node | undefined): void {
  if (to) entries.set(name, to);
  else entries.delete(name);
}
