import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { runSeeds } from "./campaign.ts";
import type { FaultKind } from "./faults.ts";
import { mutations, unitMutations } from "./mutations.ts";

/** Runs a program in a process of its own. Resolves with its exit code and the end of what it printed. */
function run(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<{ code: number | null; tail: string }> {
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let tail = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      tail = (tail + text).slice(-2000);
    });
  return new Promise((resolve, reject) => {
    child.on("error", reject).on("close", (code) => resolve({ code, tail }));
  });
}

/**
 * Where to look for a seed that notices, if not from the first one on: shortly before one that did when this was written,
 * or in runs where a certain fault strikes beside those that the seed chooses.
 */
const searches: Readonly<Record<string, { readonly first?: number; readonly fault?: FaultKind }>> = {
  "what retention dropped is not missed": { fault: "feed trimmed" },
  "cached records do not age": { first: 80 },
  "what was set aside does not hold the floor back": { first: 120 },
  "writes are not checked against the epoch of the home": { fault: "home moved" },
  "a home begins before it has all that was decided before": { fault: "home moved" },
  "a first home does not wait until the others have stopped": { fault: "home moved" },
  "a home begins without what the old one had of homes before it": { fault: "home moved" },
  "first answers stay behind when a home moves": { fault: "home moved" },
  "first answers of before the first home stay behind": { fault: "home moved" },
  "those who stay do not compare themselves when a cloud was expelled": { first: 190, fault: "cloud expelled" },
  "sessions wait for a cloud that was removed for good": { fault: "cloud expelled" },
  "a restored cloud serves at once": { fault: "database restored" },
  "a restored cloud keeps what its peers have deleted and forgotten": { fault: "database restored" },
  "a restored cloud adds its backup to what peers send": { fault: "database restored" },
  "a restored cloud is sent only what its peers know that it lacks": { fault: "database restored" },
};

/** What broke first with this fault in the program; null: no seed noticed anything. */
async function noticed(mutation: string): Promise<string | null> {
  const { first = 1, fault = null } = searches[mutation] ?? {};
  const results = await runSeeds({ first, seeds: 150, mutation, fault, withHistory: false, threads: 1 });
  return results.at(-1)!.violation;
}

describe("the simulation", () => {
  it("notices every fault that is put into the program", async function () {
    this.timeout(900_000);
    const waiting = Object.keys(mutations);
    const missed: string[] = [];
    const work = async () => {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        const violation = await noticed(name);
        if (!violation?.startsWith("Violation")) missed.push(`${name}: ${violation}`);
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, work));
    assert.deepEqual(missed, []);
  });
});

describe("a unit test notices when", () => {
  for (const [name, { test }] of Object.entries(unitMutations)) {
    it(name, async function () {
      this.timeout(120_000);
      const mutated = fileURLToPath(new URL("mutated.ts", import.meta.url));
      const mocha = fileURLToPath(new URL("../../node_modules/mocha/bin/mocha.js", import.meta.url));
      const { code, tail } = await run(["--import", mutated, mocha, "--bail", test], { MUTATION: name });
      assert.notEqual(code, 0, tail);
      assert.match(tail, /failing/);
    });
  }
});
