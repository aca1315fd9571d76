import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { needsSdks, repositoryFile, run as runProgram } from "./support/sdks.ts";

const run = promisify(execFile);
const stacks = ["aws", "gcp", "azure", "global", "local"];
const profiles = ["small", "standard", "large"];
/** Seconds, on two idle cores. A test may take twice as long, as it seldom has them for itself. */
const planLimit = 4;
const packLimit = 2;
const judgeLimit = 1;
const typesLimit = 15;

/** Seconds that something takes: the median of `rounds`. */
async function median(rounds: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    await work();
    times.push((performance.now() - start) / 1000);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!;
}

/** Seconds that a command takes: the median of `rounds`. */
function seconds(rounds: number, file: string, ...args: readonly string[]): Promise<number> {
  return median(rounds, () => run(process.execPath, [repositoryFile(file), ...args], { maxBuffer: 2 ** 26 }));
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
        const rounds = profile === "standard" ? 5 : 3;
        const taken = await seconds(rounds, "infra/plan/main.ts", stack, "--profile", profile);
        report(`plan of ${stack}, ${profile}, median of ${rounds}`, taken, planLimit);
      });
    }
  }

  it("for the policies to load, and to judge 150 resources", async () => {
    const { startPack } = await import("../../infra/plan/policy/pack.ts");
    const { configure, judge } = await import("../../infra/plan/policy/judge.ts");
    const start = await median(5, async () => (await startPack()).stop());
    report("start of the policies, median of 5", start, packLimit);
    const { resources } = await runProgram({ stack: "aws", mode: "preview" });
    const pack = await startPack();
    try {
      await configure(pack, repositoryFile("infra/policies/production.json"));
      const judged = await median(5, () => judge(pack, { resources: resources.slice(0, 150) }));
      report("judgement of 150 resources, median of 5", judged, judgeLimit);
    } finally {
      await pack.stop();
    }
  });

  it("for the types of the program to be checked, and they are right", async () => {
    const tsc = "node_modules/typescript/bin/tsc";
    report("types", await seconds(1, tsc, "-p", repositoryFile("infra")), typesLimit);
  });
});
