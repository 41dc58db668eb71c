// The rule of liveness, asked forwards and of everything at once: a breadth-first flow from the roots over integers.
// It is the checker of the reverse search, and what a catalog without a queue collects by.
//
//   a live manifest keeps what it names, and its subject where that is stored;
//   a live manifest keeps its referrers.

/** Numbers nodes as they are met and gathers the arrows along which liveness flows. */
export class FlowGraph {
  readonly #ids = new Map<string, number>();
  #from = new Int32Array(1024);
  #to = new Int32Array(1024);
  #arrows = 0;
  #sorted: Sorted | undefined;

  /** The number of a node; a new one for a key not met before. */
  id(key: string): number {
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#ids.size;
      this.#ids.set(key, id);
      this.#sorted = undefined;
    }
    return id;
  }

  find(key: string): number | undefined {
    return this.#ids.get(key);
  }

  get size(): number {
    return this.#ids.size;
  }

  /** If `from` is live, so is `to`. */
  keeps(from: number, to: number): void {
    if (this.#arrows === this.#from.length) {
      this.#from = grown(this.#from);
      this.#to = grown(this.#to);
    }
    this.#from[this.#arrows] = from;
    this.#to[this.#arrows] = to;
    this.#arrows += 1;
    this.#sorted = undefined;
  }

  /** 1 for each node that is live, by its number. */
  mark(roots: Iterable<number>): Uint8Array {
    const live = new Uint8Array(this.size);
    for (const node of this.reach(roots)) live[node] = 1;
    return live;
  }

  /**
   * The nodes that liveness reaches from `roots`, these included, each once; good until the next call. Cycles are harmless,
   * and the work is that of what is reached, not of the graph.
   */
  reach(roots: Iterable<number>): Int32Array {
    this.#sorted ??= this.#sort();
    const { starts, targets, met, queue } = this.#sorted;
    this.#sorted.turn += 1;
    const { turn } = this.#sorted;
    let end = 0;
    const meet = (node: number) => {
      if (met[node] === turn) return;
      met[node] = turn;
      queue[end++] = node;
    };
    for (const root of roots) meet(root);
    for (let next = 0; next < end; next++) {
      const node = queue[next]!;
      for (let i = starts[node]!; i < starts[node + 1]!; i++) meet(targets[i]!);
    }
    return queue.subarray(0, end);
  }

  #sort(): Sorted {
    const nodes = this.size;
    const starts = new Int32Array(nodes + 1);
    for (let i = 0; i < this.#arrows; i++) starts[this.#from[i]! + 1]! += 1;
    for (let n = 0; n < nodes; n++) starts[n + 1]! += starts[n]!;
    const free = starts.slice(0, nodes);
    const targets = new Int32Array(this.#arrows);
    for (let i = 0; i < this.#arrows; i++) targets[free[this.#from[i]!]!++] = this.#to[i]!;
    return { starts, targets, met: new Uint32Array(nodes), queue: new Int32Array(nodes), turn: 0 };
  }
}

/** Arrows sorted by their start: those of node n lie in targets[starts[n]] to targets[starts[n + 1] - 1]. */
interface Sorted {
  readonly starts: Int32Array;
  readonly targets: Int32Array;
  /** The last turn in which a node was met, so that nothing need be cleared between two. */
  readonly met: Uint32Array;
  readonly queue: Int32Array;
  turn: number;
}

function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const next = new Int32Array(array.length * 2);
  next.set(array);
  return next;
}
