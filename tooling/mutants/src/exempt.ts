import type { Exempt } from "./protections.ts";

/** Calls that look like a protection and are none by themselves. */
export const EXEMPT: readonly Exempt[] = [
  {
    file: "packages/backend-fs/src/lock/observed-lock.ts",
    call: "lock.acquire(o)",
    because: "it passes on the call of another lock, which has a mutant, and only measures how long it took",
  },
  {
    file: "packages/backend-fs/src/lock/choose-lock.ts",
    call: "exclusiveHere(",
    because:
      "the lock behind it keeps stores of one process apart, too; this only wakes the next in line at once and in order",
  },
  {
    file: "packages/backend-fs/src/lock/kernel-lock.ts",
    call: "tryFileLock(locks, fd)",
    because: "all that it asks is asked of the kernel in that function, which has a mutant of its own",
  },
  {
    file: "packages/backend-fs/src/layout/cell.ts",
    call: "this.#acquire(o)",
    because: "it is the one call of the method that takes the lock, which has a mutant of its own",
  },
  {
    file: "packages/backend-fs/src/open.ts",
    call: "syncParent(fs, path)",
    because: "all that it does is a sync, which has a mutant of its own",
  },
  {
    file: "packages/core/src/gc/collect.ts",
    call: 'catalog.lease("strays"',
    because: "it only says when the last listing was: whoever lists has the lease of a collector besides",
  },
];
