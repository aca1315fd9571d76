import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { seed } from "../support/seed.ts";
import { mutations } from "./mutations.ts";
import { simulate } from "./simulate.ts";

const main = fileURLToPath(new URL("main.ts", import.meta.url));

/** Runs the simulation in a process of its own. Resolves with its exit code and the end of what it printed. */
function run(...args: string[]): Promise<{ code: number | null; tail: string }> {
  const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let tail = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      tail = (tail + text).slice(-2000);
    });
  return new Promise((resolve, reject) => {
    child.on("error", reject).on("close", (code) => resolve({ code, tail }));
  });
}

describe("three simulated clouds under faults", () => {
  it("lose nothing, agree in the end, and bring nothing back", async function () {
    this.timeout(60_000);
    for (let i = 0; i < 20; i++) {
      const result = await simulate(seed + i);
      assert.equal(result.violation, null, `seed ${result.seed}: npm run simulate -- --seeds 1 --seed ${result.seed}`);
    }
  });

  it("do the same again for the same seed", async function () {
    this.timeout(20_000);
    const [a, b] = [await simulate(seed, true), await simulate(seed, true)];
    assert.deepEqual(a.history, b.history);
  });
});

describe("the simulation notices when", () => {
  for (const name of Object.keys(mutations)) {
    it(name, async function () {
      this.timeout(120_000);
      // Restores are rare, and what they bring back rarer: from here on some seed of 150 notices each of them.
      const first = name.startsWith("a restored") ? "50000" : "1";
      const { code, tail } = await run("--seeds", "150", "--seed", first, "--mutation", name);
      assert.equal(code, 1, tail);
      assert.match(tail, /fails: Violation/);
    });
  }
});
