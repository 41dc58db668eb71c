import type { Shape } from "./shape.ts";

// A run of the gate takes a tenth of a million nodes; `OCISTORE_SCALE=10 npx vitest run --project scale` takes it all.

const scale = Number(process.env.OCISTORE_SCALE ?? 1);

/** 100 000 nodes and 300 000 edges times the scale, a tenth of the manifests being referrers. */
export const SHAPE: Shape = { manifests: scale * 10_000, unique: 8, shared: 21, pool: 1000, signed: 10 };

/** MiB: what vitest itself needs, and a hundred bytes for each node. Objects for nodes and edges would take a kilobyte. */
export const HEAP = 120 + scale * 10;
