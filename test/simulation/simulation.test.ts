import assert from "node:assert/strict";
import { type Campaign, runSeeds } from "./campaign.ts";

/** The same seeds each time; looking for others is what `npm run simulate` is for. SKYKV_SEED begins elsewhere. */
const first = Number(process.env.SKYKV_SEED ?? 300_000);
const plain: Campaign = { first, seeds: 1, mutation: null, fault: null, withHistory: false };

describe("three simulated clouds under faults", () => {
  it("lose nothing, agree in the end, and bring nothing back", async function () {
    this.timeout(300_000);
    const last = (await runSeeds({ ...plain, seeds: 20 })).at(-1)!;
    assert.equal(last.violation, null, `npm run simulate -- --seeds 1 --seed ${last.seed}`);
  });

  it("do the same again for the same seed", async function () {
    this.timeout(120_000);
    const again = { ...plain, withHistory: true };
    const [[a], [b]] = [await runSeeds(again), await runSeeds(again)];
    assert.deepEqual(a!.history, b!.history);
  });
});
