import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { needsSdks, repositoryFile } from "./support/sdks.ts";

const run = promisify(execFile);
const stacks = ["aws", "gcp", "azure", "global", "local"];
const profiles = ["small", "standard", "large"];
/** Seconds, on two idle cores. A test may take twice as long, as it seldom has them for itself. */
const planLimit = 4;
const typesLimit = 15;

/** Seconds that a command takes: the median of `rounds`. */
async function seconds(rounds: number, file: string, ...args: readonly string[]): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    await run(process.execPath, [repositoryFile(file), ...args], { maxBuffer: 2 ** 26 });
    times.push((performance.now() - start) / 1000);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!;
}

function report(what: string, taken: number, limit: number): void {
  console.log(`      ${what}: ${taken.toFixed(1)} s (${limit} s on two idle cores)`);
  assert.ok(taken < 2 * limit, `${what} took ${taken.toFixed(1)} s`);
}

describe("nobody waits long", function () {
  this.timeout(240_000);
  before(function () {
    needsSdks(this);
  });

  for (const stack of stacks) {
    for (const profile of profiles) {
      it(`for a plan of ${stack} in the size ${profile}`, async () => {
        const taken = await seconds(5, "infra/plan/main.ts", stack, "--profile", profile);
        report(`plan of ${stack}, ${profile}, median of 5`, taken, planLimit);
      });
    }
  }

  it("for the types of the program to be checked, and they are right", async () => {
    const tsc = "node_modules/typescript/bin/tsc";
    report("types", await seconds(1, tsc, "-p", repositoryFile("infra")), typesLimit);
  });
});
