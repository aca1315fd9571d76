import assert from "node:assert/strict";
import fc from "fast-check";
import type { Running } from "../../../service/main.ts";
import type { Store } from "../../../service/store/port.ts";
import { seed } from "../../support/seed.ts";
import { type Command, command } from "./commands.ts";
import { Run } from "./run.ts";
import { Api, sharedService, startBeside, TestClock, followClock } from "./support.ts";

const isCi = process.env.CI === "true";
/** Sequences of commands; half the greatest length each on average. */
const runs = isCi ? 500 : 100;
const longest = 60;
/** At least so many commands in all, whatever the seed. */
const least = isCi ? 10_000 : 2000;

const settings = fc.record({
  requireCondition: fc.constantFrom(false, false, false, true),
  defaultTtl: fc.constantFrom(null, null, 1500, 3_600_000),
});
const commands = fc.array(command, { maxLength: longest, size: "max" });

/** Two processes of one cloud under one clock that only the commands move. */
class Pair {
  readonly clock = new TestClock();
  readonly apis: readonly Api[];
  readonly #running: readonly Running[];
  commands = 0;

  private constructor(running: readonly Running[]) {
    this.#running = running;
    this.apis = running.map(({ url }) => new Api(url));
  }
}
