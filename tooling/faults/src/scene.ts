import { type FileSystem, type Lock, openLayout, openLock } from "@ocistore/backend-fs";
import { type Digest, packIndex, type Store } from "@ocistore/core";
import { bytes } from "../../../packages/backend-fs/test/support/bytes.ts";
import { putImage, SHARED } from "../../../packages/backend-fs/test/support/content.ts";
import { Disk } from "../../../packages/backend-fs/test/support/disk.ts";
import { FakeProcesses } from "../../../packages/backend-fs/test/support/fake-processes.ts";
import { HOUR, ManualClock } from "../../../packages/backend-fs/test/support/world.ts";

export const LAYOUT = "/store/layout";
/** Another layout, where copies and repairs come from. */
export const MIRROR = "/store/mirror";

/** One who uses the store: a process, as far as the locks can tell. */
export interface Process {
  readonly fs: FileSystem;
  readonly scene: Scene;
  open(directory?: string): Promise<Store>;
  die(): void;
}

/** The lock makes most of the calls, and they are the same in each operation; where only one is alive nobody needs it. */
const unlocked: Lock = { acquire: async () => async () => {} };

let scenes = 0;

/** A disk, a clock that stands still, and processes. */
export class Scene {
  readonly clock: ManualClock;
  readonly disk: Disk;
  readonly #processes = new FakeProcesses();
  readonly #number = ++scenes;
  #count = 0;

  /** As `template` was, or with nothing but an empty directory. */
  constructor(template?: Scene) {
    this.clock = new ManualClock(template ? 2 : 1);
    if (template) this.clock.advance(template.clock.now() - this.clock.now());
    const now = () => this.clock.now();
    this.disk = new Disk(now, template?.disk);
  }

  process(o: { readonly locked?: boolean; readonly through?: (disk: FileSystem) => FileSystem } = {}): Process {
    const pid = ++this.#count;
    // Processes share no memory.
    const whole = this.disk.fileSystem(`process ${pid} of scene ${this.#number}`);
    const fs = o.through?.(whole) ?? whole;
    const probe = this.#processes.probe(pid);
    return {
      fs,
      scene: this,
      open: async (directory = LAYOUT) => {
        const lock = o.locked
          ? await openLock(fs, `${directory}/.ocistore/lock`, this.clock, { kind: "link", probe })
          : unlocked;
        return openLayout(directory, { fs, env: this.clock, probe, lock });
      },
      die: () => void this.#processes.liveness.set(pid, "dead"),
    };
  }
}

/** Old enough to be collected: an index with a child and a signature, two images that share a layer, and garbage. */
export async function furnish(store: Store, scene: Scene): Promise<Digest> {
  const garbage = await store.repository().session(async (session) => {
    const shared = await session.putBlob(SHARED);
    for (const name of ["v1", "v2"]) {
      await putImage(session, name, { tag: name, layers: [shared, await session.putBlob(bytes(`layer of ${name}`))] });
    }
    const children = [await putImage(session, "amd64")];
    const multi = await session.putManifest(packIndex({ manifests: children }), { tags: ["multi"] });
    await putImage(session, "signature", { subject: multi });
    return (await session.putBlob(bytes("nobody names this"))).digest;
  });
  scene.clock.advance(2 * HOUR);
  return garbage;
}
