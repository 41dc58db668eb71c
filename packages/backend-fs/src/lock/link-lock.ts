import { type Environment, isOciStoreError, OciStoreError, randomId } from "@ocistore/core";
import { forCaller, hasCode, toOciStoreError } from "../files/errors.ts";
import type { FileSystem } from "../files/file-system.ts";
import { judge, kernelHolder } from "./judge.ts";
import type { Pass } from "./kernel-lock.ts";
import type { AcquireOptions, Holder, Lock, Release } from "./lock.ts";
import { LockFiles, type Mine } from "./lock-files.ts";
import type { OwnerProbe } from "./owner.ts";
import { Patience } from "./patience.ts";
import { encodeRecord } from "./record.ts";

/*
 * The numbered lock.
 *
 * A directory holds records named by numbers that only grow. The highest number is the lock: its record says who holds
 * it, or that it is free. To take it is to make the next number.
 *
 *   acquire   1. List; n is the highest number. While its record is held by someone who may be alive, wait.
 *             2. Write a record of one's own under a temporary name, complete, and `link` it to n+1. If that name
 *                exists someone else was faster: from the start.
 *             3. Read `floor`. If n+1 is not above it, n+1 had been made, used and tidied away before we made it again:
 *                write `free` into it and start anew. List again, and do the same if there is a higher number.
 *   release   Write `free` over the `held` of one's own record. Who wants the lock again may take this number for the
 *             highest as long as it is there, and spare step 1.
 *   tidy      Now and then the holder of m writes m-1 into `floor` (replaced as a whole, durable), then unlinks the
 *             records below m.
 *
 * Why one at a time. No number above the floor is ever unlinked, and the floor only rises to below the number that is
 * held. So if n+1 is above the floor *after* we have made it, it had never been made before: each number has at most
 * one holder. Number n+1 is made only after n was seen free or its owner dead, and neither of these ever ends; so when
 * n+1 has a holder, all lower numbers have none. Nothing here rests on a listing being complete, or new: `readdir` may
 * miss the highest number while names come and go, and then the link fails or the floor forbids.
 *
 * Why not simpler. To unlink a dead owner's file and create one's own gives two holders: B unlinks what it takes for the
 * dead owner's file, when A has already put its own there. To rename it aside first has the same hole. The newest number
 * is never unlinked, by nobody, for any reason, which is why a contender that gives up writes `free` instead. The second
 * listing is for people who delete lock files by hand: then the higher number is the one that counts.
 *
 * Who is dead. An owner in the same pid namespace of the same boot of the same host, whose pid is gone or belongs to a
 * process that started at another time. Anything else may be alive, and age proves nothing: the holder may be stopped,
 * or its disk slow. A record that cannot be judged is broken by a person who knows better, by writing `free` into it.
 * That frees the one holder it names, whatever happens meanwhile, where deleting the file might hit the next one.
 *
 * With the kernel's help. Whoever holds the kernel lock beside this one says so in its record, and holds it until after
 * it has written `free`. So if we hold that kernel lock, such a record is a dead one's, whoever wrote it: on this
 * machine, or under the same name before a restart. That is all that the kernel lock is for. It never decides who holds
 * the lock, and so processes with it and without it exclude each other, as do those of which one sits behind a mount
 * that does not pass kernel locks on.
 */

/** Tidied when there are more records than this. Few enough to list them at every turn. */
const KEEP = 64;

export interface LinkLockOptions {
  readonly probe: OwnerProbe;
  /** Takes the kernel's lock first, if there is one. */
  readonly kernel?: ((patience: Patience, busy: () => Promise<Holder>) => Promise<Pass | undefined>) | undefined;
  readonly keep?: number | undefined;
}

/** The lock in `directory`, which is made at the first `acquire`; the directory that it lies in has to be there. */
export function linkLock(fs: FileSystem, directory: string, env: Environment, o: LinkLockOptions): Lock {
  const files = new LockFiles(fs, env, directory);
  /** The number that we gave back last, if it may still be the highest: then there is nothing to look up. */
  let freed = 0;

  async function acquire(options: AcquireOptions = {}): Promise<Release> {
    options.signal?.throwIfAborted();
    const patience = new Patience(env, directory, options);
    let pass: Pass | undefined;
    try {
      await files.makeDirectory();
      pass = await o.kernel?.(patience, () => kernelHolder(files));
      const mine = await take(patience, pass);
      return giveBack(mine, pass);
    } catch (error) {
      await pass?.leave().catch(() => undefined); // the first failure is the one to report
      throw forCaller(error, "take the lock", directory, options.signal);
    }
  }

  async function take(patience: Patience, pass: Pass | undefined): Promise<Mine> {
    const self = await o.probe.self();
    for (;;) {
      patience.signal?.throwIfAborted();
      const remembered = freed;
      freed = 0;
      const spared = remembered !== 0 && (await files.has(remembered));
      const newest = spared ? remembered : highest(await files.numbers());
      const holder = spared || newest === 0 ? "free" : await judge(files, newest, o.probe, pass);
      if (holder === "gone") continue;
      if (holder !== "free") {
        await patience.pause(holder);
        continue;
      }
      const mine = { number: newest + 1, record: encodeRecord(self, randomId(env), pass?.lock) };
      if (await make(mine, pass)) return mine;
    }
  }

  async function make(mine: Mine, pass: Pass | undefined): Promise<boolean> {
    try {
      // Durable where the record is all there is. With the kernel's help, one that a power failure took does no harm.
      if (!(await files.make(mine, pass === undefined))) return false;
      const first = (await files.floor()) < mine.number;
      const numbers = await files.numbers();
      if (first && highest(numbers) === mine.number) {
        if (numbers.length > (o.keep ?? KEEP)) await tidy(mine.number);
        return true;
      }
    } catch (error) {
      // The record may have got its number before the failure. If it cannot be freed either, it is ours until we die.
      await files.free(mine).catch(() => undefined);
      throw error;
    }
    await files.free(mine);
    return false;
  }

  /** No reason to lose a lock that is ours: the next holder tidies again, and half a tidying is a smaller one. */
  async function tidy(number: number): Promise<void> {
    try {
      await files.tidy(number);
    } catch (error) {
      if (!isOciStoreError(toOciStoreError(error, "tidy the lock", directory)) && !hasCode(error, "ENOENT"))
        throw error;
    }
  }

  function giveBack(mine: Mine, pass: Pass | undefined): Release {
    let tried = false;
    let done = false;
    return once(async () => {
      const again = tried;
      tried = true;
      try {
        done ||= await files.free(mine);
        if (done) freed = mine.number;
      } catch (error) {
        throw forCaller(error, "give the lock back", directory);
      } finally {
        // Also after a failure: what was done under the lock is over, and who has the kernel lock can then go on. So
        // the record may be another's when we try again, and that is as it should be.
        await pass?.leave();
      }
      const path = files.pathOf(mine.number);
      if (!done && !again)
        throw new OciStoreError("CONFLICT", `the lock was broken while it was held: ${path}`, { path });
    });
  }

  return { acquire };
}

/** All calls share one attempt until it fails; then the next call makes another. */
function once(run: () => Promise<void>): Release {
  let running: Promise<void> | undefined;
  return () => {
    running ??= run().catch((error: unknown) => {
      running = undefined;
      throw error;
    });
    return running;
  };
}

function highest(numbers: readonly number[]): number {
  return numbers.reduce((high, number) => Math.max(high, number), 0);
}
