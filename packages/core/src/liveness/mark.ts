// The rule of liveness, asked forwards and of everything at once: a breadth-first flow from the roots over integers.
// It is the checker of the reverse search, and what a catalog without a queue collects by.
//
//   a live manifest keeps what it names, and its subject where that is stored;
//   a live manifest keeps its referrers.

/** Numbers nodes as they are met and gathers the arrows along which liveness flows. */
export class FlowGraph {
  readonly #ids = new Map<string, number>();
  readonly #keys: string[] = [];
  #from = new Int32Array(1024);
  #to = new Int32Array(1024);
  #arrows = 0;

  /** The number of a node; a new one for a key not met before. */
  id(key: string): number {
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#keys.length;
      this.#ids.set(key, id);
      this.#keys.push(key);
    }
    return id;
  }

  find(key: string): number | undefined {
    return this.#ids.get(key);
  }

  get size(): number {
    return this.#keys.length;
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
  }

  /** 1 for each node that is live, by its number. Cycles are harmless; the work is nodes + arrows. */
  mark(roots: Iterable<number>): Uint8Array {
    const nodes = this.size;
    // Arrows sorted by their start: those of node n lie in targets[starts[n]] to targets[starts[n + 1] - 1].
    const starts = new Int32Array(nodes + 1);
    for (let i = 0; i < this.#arrows; i++) starts[this.#from[i]! + 1]! += 1;
    for (let n = 0; n < nodes; n++) starts[n + 1]! += starts[n]!;
    const free = starts.slice(0, nodes);
    const targets = new Int32Array(this.#arrows);
    for (let i = 0; i < this.#arrows; i++) targets[free[this.#from[i]!]!++] = this.#to[i]!;

    const live = new Uint8Array(nodes);
    const queue = new Int32Array(nodes);
    let end = 0;
    const reach = (node: number) => {
      if (live[node]) return;
      live[node] = 1;
      queue[end++] = node;
    };
    for (const root of roots) reach(root);
    for (let next = 0; next < end; next++) {
      const node = queue[next]!;
      for (let i = starts[node]!; i < starts[node + 1]!; i++) reach(targets[i]!);
    }
    return live;
  }
}

function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const next = new Int32Array(array.length * 2);
  next.set(array);
  return next;
}
