import { ManualEnvironment } from "@ocistore/backend-suite";
import type { Ms, Signal } from "@ocistore/core";

/** Each wait takes ten seconds by the clock, and none by the machine's. */
export class HastyEnvironment extends ManualEnvironment {
  waits = 0;

  override async sleep(ms: Ms, o: Signal = {}): Promise<void> {
    this.waits++;
    this.advance(10_000);
    await super.sleep(ms, o);
  }
}
