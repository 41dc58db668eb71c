export { MemoryBlobs } from "./memory-blobs.ts";
export { emptyState, memoryCell } from "./memory-cell.ts";
export { Mutex } from "./mutex.ts";
export { openMemory } from "./open-memory.ts";
