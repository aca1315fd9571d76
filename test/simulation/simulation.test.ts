import assert from "node:assert/strict";
import { simulate } from "./simulate.ts";

/** The same seeds each time; looking for others is what `npm run simulate` is for. SKYKV_SEED begins elsewhere. */
const seed = Number(process.env.SKYKV_SEED ?? 300_000);

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
