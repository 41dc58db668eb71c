import type { Scenario } from "../scenario.ts";
import { survive } from "../survive.ts";
import type { Place } from "../world.ts";
import type { RealPlaces } from "./real-place.ts";

/** What a scenario begins with, on the real disk: made once, and copied for each try. */
export class Prepared {
  readonly scenario: Scenario;
  readonly #places: RealPlaces;
  readonly #before: Place;

  private constructor(scenario: Scenario, places: RealPlaces, before: Place) {
    this.scenario = scenario;
    this.#places = places;
    this.#before = before;
  }

  static async make(scenario: Scenario, places: RealPlaces): Promise<Prepared> {
    const before = await places.place();
    await scenario.prepare(before);
    return new Prepared(scenario, places, before);
  }

  get ahead(): number {
    return this.#before.clock.offset;
  }

  place(): Promise<Place> {
    return this.#copy(this.#before.directory);
  }

  /** Throws unless what a killed process has left in `place` is as it must be. */
  async inspect(place: Place, acknowledged: number, at: string): Promise<void> {
    const { scenario } = this;
    try {
      const copy = await this.#copy(place.directory);
      await survive(scenario, { place, copy: () => copy, acknowledged, death: "process" });
    } catch (error) {
      const said = `${scenario.name}: ${acknowledged} steps acknowledged, killed before ${at}`;
      throw new Error(`${said}: ${error}`, { cause: error });
    }
  }

  #copy(from: string): Promise<Place> {
    return this.#places.place({ ahead: this.ahead, from });
  }
}
