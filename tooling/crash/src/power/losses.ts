import { createHash } from "node:crypto";
import { NonDurableDisk } from "./disk.ts";
import {
  changed,
  type DirectoryNode,
  type EntryChange,
  type FileNode,
  type FileState,
  type Node,
  setEntry,
} from "./nodes.ts";

/** Which of the changes that nothing has synced a power failure leaves. */
export interface Loss {
  readonly keeps: (change: EntryChange) => boolean;
  readonly content: (file: FileNode) => FileState;
}

/** Nothing is lost: what is left when a process is killed. */
export const NOTHING: Loss = { keeps: () => true, content: ({ now }) => now };

/** All goes that was not synced. */
export const EVERYTHING: Loss = { keeps: () => false, content: ({ durable }) => durable };

/** So many choices are all tried; of more than that, some. */
const BOUND = 32;
/** So many are drawn then, besides that which loses all and that which loses nothing. */
const DRAWN = process.env.OCISTORE_CRASH === "all" ? 48 : 4;

/**
 * What a power failure may leave of this disk, at this moment: each choice of what is lost if there are at most {@link BOUND},
 * else some of them.
 *
 * @param thorough Tries in any case to lose each change alone, and all but each.
 */
export function lossesOf(disk: NonDurableDisk, random: () => number, thorough: boolean): readonly Loss[] {
  const changes = disk.pending;
  const files = unsynced(disk).map((file) => ({ file, states: statesOf(file) }));
  const count = files.reduce((product, { states }) => product * states.length, 2 ** changes.length);
  if (count <= BOUND) {
    return Array.from({ length: count }, (_, at) => {
      let rest = at;
      const digit = (base: number) => {
        const value = rest % base;
        rest = Math.floor(rest / base);
        return value;
      };
      return lossOf(
        changes.filter(() => digit(2) === 1),
        files.map(({ file, states }) => [file, states[digit(states.length)]!]),
      );
    });
  }
  const kept = files.map(({ file }): [FileNode, FileState] => [file, file.now]);
  return [
    NOTHING,
    EVERYTHING,
    ...(thorough ? changes : []).flatMap((one) => [
      lossOf([one], kept),
      lossOf(
        changes.filter((other) => other !== one),
        kept,
      ),
    ]),
    ...Array.from({ length: DRAWN }, () => {
      const share = random();
      return lossOf(
        changes.filter(() => random() < share),
        files.map(({ file, states }): [FileNode, FileState] => [file, states[Math.floor(random() * states.length)]!]),
      );
    }),
  ];
}

/** A change that is kept brings along what it needs. */
function lossOf(changes: readonly EntryChange[], contents: readonly (readonly [FileNode, FileState])[]): Loss {
  const kept = new Set<EntryChange>();
  const keep = (change: EntryChange) => {
    if (kept.has(change)) return;
    kept.add(change);
    for (const other of change.needs) keep(other);
  };
  for (const change of changes) keep(change);
  const states = new Map(contents);
  return { keeps: (change) => kept.has(change), content: (file) => states.get(file) ?? file.durable };
}

/** Files that have bytes nobody has synced, and that have a name, or may have one. */
function unsynced(disk: NonDurableDisk): FileNode[] {
  const found = new Set<FileNode>();
  const visit = (node: Node | undefined) => {
    if (node?.kind === "file" && node.pending.length > 0) found.add(node);
    if (node?.kind === "directory")
      for (const each of [...node.entries.values(), ...node.durable.values()]) visit(each);
  };
  visit(disk.root);
  for (const { sets } of disk.pending) for (const [, node] of sets) visit(node);
  return [...found];
}

/** The first so many of its changes; the last of them half; and all of its length with nothing in it. */
function statesOf({ durable, pending, now }: FileNode): FileState[] {
  const states: FileState[] = [durable];
  for (const change of pending) {
    const before = states.at(-1)!;
    if (change.do === "write" && change === pending.at(-1) && change.bytes.length > 1) {
      states.push(changed(before, { ...change, bytes: change.bytes.subarray(0, change.bytes.length >> 1) }));
      states.push(changed(before, change));
    } else {
      states.push(changed(before, change));
    }
  }
  if (now.bytes.length > durable.bytes.length) {
    const zeros = new Uint8Array(now.bytes.length);
    zeros.set(durable.bytes);
    states.push({ bytes: zeros, modified: now.modified });
  }
  return states;
}

/** The disk when the power is back: all that is on it is durable. */
export function afterLoss(disk: NonDurableDisk, now: () => number, { keeps, content }: Loss): NonDurableDisk {
  const changes = new Map<DirectoryNode, EntryChange[]>();
  for (const change of disk.pending) {
    if (keeps(change)) changes.set(change.directory, [...(changes.get(change.directory) ?? []), change]);
  }
  // A file that has two names keeps both.
  const copies = new Map<Node, Node>();
  const copyOf = (node: Node): Node => {
    const known = copies.get(node);
    if (known) return known;
    if (node.kind === "file") {
      const state = content(node);
      const copy: FileNode = { ...node, now: state, durable: state, pending: [] };
      copies.set(node, copy);
      return copy;
    }
    const copy: DirectoryNode = { ...node, entries: new Map(), durable: new Map() };
    copies.set(node, copy);
    const entries = new Map(node.durable);
    for (const { sets } of changes.get(node) ?? []) for (const [name, to] of sets) setEntry(entries, name, to);
    for (const [name, to] of entries) {
      const child = copyOf(to);
      copy.entries.set(name, child);
      copy.durable.set(name, child);
    }
    return copy;
  };
  return new NonDurableDisk(now, copyOf(disk.root) as DirectoryNode, disk.made);
}

/** The same for two disks that show the same. */
export function fingerprint({ root }: NonDurableDisk): string {
  const hash = createHash("sha256");
  const visit = (path: string, node: Node) => {
    if (node.kind === "file") {
      hash.update(`${path} ${node.id} ${node.now.modified} ${node.now.bytes.length}\n`).update(node.now.bytes);
    } else {
      hash.update(`${path}/\n`);
      for (const name of [...node.entries.keys()].sort()) visit(`${path}/${name}`, node.entries.get(name)!);
    }
  };
  visit("", root);
  return hash.digest("hex");
}
