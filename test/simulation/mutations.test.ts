import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { mutations, unitMutations } from "./mutations.ts";

const main = fileURLToPath(new URL("main.ts", import.meta.url));

/** Runs a program in a process of its own. Resolves with its exit code and the end of what it printed. */
function run(args: readonly string[], environment = {}): Promise<{ code: number | null; tail: string }> {
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

/** Faults that show in few runs: from this seed on one of 150 notices them. Those of restores need a restore first. */
const firstSeeds: Readonly<Record<string, number>> = { "a counter's epoch outlives the floor": 201 };

describe("the simulation notices when", () => {
  for (const name of Object.keys(mutations)) {
    it(name, async function () {
      this.timeout(120_000);
      const first = firstSeeds[name] ?? (name.startsWith("a restored") ? 50_000 : 1);
      const { code, tail } = await run([main, "--seeds", "150", "--seed", String(first), "--mutation", name]);
      assert.equal(code, 1, tail);
      assert.match(tail, /fails: Violation/);
    });
  }
});

describe("a unit test notices when", () => {
  for (const [name, { test }] of Object.entries(unitMutations)) {
    it(name, async function () {
      this.timeout(60_000);
      const mutated = fileURLToPath(new URL("mutated.ts", import.meta.url));
      const mocha = fileURLToPath(new URL("../../node_modules/mocha/bin/mocha.js", import.meta.url));
      const { code, tail } = await run(["--import", mutated, mocha, "--bail", test], { MUTATION: name });
      assert.notEqual(code, 0, tail);
      assert.match(tail, /failing/);
    });
  }
});
