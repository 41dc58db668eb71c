import { IntList } from "./int-list.ts";

// The rule of liveness, asked forwards and of everything at once: a breadth-first flow from the roots over integers.
// It is the checker of the reverse search, and what a catalog without a queue collects by.
//
//   a live manifest keeps what it names, and its subject where that is stored;
//   a live manifest keeps its referrers.

/** The arrows along which liveness flows, between nodes that are numbers from 0. */
export class FlowGraph {
  /** Those that have come since the last sorting. */
  readonly #from = new IntList();
  readonly #to = new IntList();
  #size = 0;
  #sorted: Sorted = { starts: new Int32Array(1), targets: new Int32Array(0) };
  #walk: Walk | undefined;

  /** One more than the largest number of a node. */
  get size(): number {
    return this.#size;
  }

  /** That there are nodes up to this number, though nothing leads to them. */
  include(node: number): void {
    if (node >= this.#size) this.#size = node + 1;
  }

  /** If `from` is live, so is `to`. */
  keeps(from: number, to: number): void {
    this.#from.push(from);
    this.#to.push(to);
    this.include(Math.max(from, to));
  }

  /** 1 for each node that is live, by its number. */
  mark(roots: Iterable<number>): Uint8Array {
    const live = new Uint8Array(this.size);
    const reached = this.reach(roots);
    for (let at = 0; at < reached.length; at++) live[reached[at]!] = 1;
    return live;
  }

  /**
   * The nodes that liveness reaches from `roots`, these included, each once; good until the next call. Cycles are harmless,
   * and the work is that of what is reached, not of the graph.
   */
  reach(roots: Iterable<number>): Int32Array {
    const { starts, targets } = this.#sort();
    const size = this.#size;
    if (this.#walk?.met.length !== size) {
      this.#walk = { met: new Uint32Array(size), queue: new Int32Array(size), turn: 0 };
    }
    const { met, queue } = this.#walk;
    this.#walk.turn += 1;
    const { turn } = this.#walk;
    let end = 0;
    for (const root of roots) {
      if (met[root] === turn) continue;
      met[root] = turn;
      queue[end++] = root;
    }
    for (let next = 0; next < end; next++) {
      const node = queue[next]!;
      const stop = starts[node + 1]!;
      for (let i = starts[node]!; i < stop; i++) {
        const to = targets[i]!;
        if (met[to] === turn) continue;
        met[to] = turn;
        queue[end++] = to;
      }
    }
    return queue.subarray(0, end);
  }

  /**
   * Who alone keeps each node: 0 if no holder does, its place in `holders` + 1 if just one does, -1 if several do. A holder
   * is a node. The answer for a node changes twice at most, so the work is that of the graph, however many hold it.
   */
  soleHolders(holders: Iterable<number>): Int32Array {
    const { starts, targets } = this.#sort();
    const by = new Int32Array(this.#size);
    const isWaiting = new Uint8Array(this.#size);
    const stack = new IntStack();
    const meet = (node: number, holder: number) => {
      const before = by[node]!;
      if (before === holder || before === -1) return;
      by[node] = before === 0 ? holder : -1;
      if (isWaiting[node] === 1) return;
      isWaiting[node] = 1;
      stack.push(node);
    };
    let place = 0;
    for (const holder of holders) meet(holder, ++place);
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      isWaiting[node] = 0;
      const holder = by[node]!;
      const stop = starts[node + 1]!;
      for (let i = starts[node]!; i < stop; i++) meet(targets[i]!, holder);
    }
    return by;
  }

  /** Puts what has come since among what is sorted. */
  #sort(): Sorted {
    const { starts: oldStarts, targets: oldTargets } = this.#sorted;
    const size = this.#size;
    const known = oldStarts.length - 1;
    if (this.#from.length === 0 && known === size) return this.#sorted;
    const starts = new Int32Array(size + 1);
    for (let n = 0; n < known; n++) starts[n + 1] = oldStarts[n + 1]! - oldStarts[n]!;
    for (let i = 0; i < this.#from.length; i++) starts[this.#from.at(i) + 1]! += 1;
    for (let n = 0; n < size; n++) starts[n + 1]! += starts[n]!;
    const targets = new Int32Array(oldTargets.length + this.#from.length);
    // Where the next arrow of each node goes; what is known comes first.
    const free = starts.slice(0, size);
    for (let n = 0; n < known; n++) {
      targets.set(oldTargets.subarray(oldStarts[n]!, oldStarts[n + 1]!), free[n]!);
      free[n]! += oldStarts[n + 1]! - oldStarts[n]!;
    }
    for (let i = 0; i < this.#from.length; i++) targets[free[this.#from.at(i)]!++] = this.#to.at(i);
    this.#from.clear();
    this.#to.clear();
    this.#sorted = { starts, targets };
    return this.#sorted;
  }
}

/** Arrows sorted by their start: those of node n lie in targets[starts[n]] to targets[starts[n + 1] - 1]. */
interface Sorted {
  readonly starts: Int32Array;
  readonly targets: Int32Array;
}

interface Walk {
  /** The last turn in which a node was met, so that nothing need be cleared between two. */
  readonly met: Uint32Array;
  readonly queue: Int32Array;
  turn: number;
}

class IntStack {
  #items = new Int32Array(1024);
  #length = 0;

  push(value: number): void {
    if (this.#length === this.#items.length) {
      const grown = new Int32Array(this.#length * 2);
      grown.set(this.#items);
      this.#items = grown;
    }
    this.#items[this.#length++] = value;
  }

  pop(): number | undefined {
    return this.#length === 0 ? undefined : this.#items[--this.#length];
  }
}
