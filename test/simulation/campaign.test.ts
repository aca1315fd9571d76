import assert from "node:assert/strict";
import { runSeeds, summary, totals } from "./campaign.ts";

/** The same ones each time: new ones are looked at by `npm run simulate`. */
const first = 1_000_000;
const seeds = 2000;

/** What faults must have led to in some run. */
const outcomes = [
  "home moved by agreement",
  "home moved by force",
  "expelled cloud seeded anew",
  "large value collected",
  "large value is another one",
  "retry answered from its receipt",
];

describe("two thousand runs of three simulated clouds", function () {
  // Five minutes on two processors that have nothing else to do.
  this.timeout(900_000);

  it("break no invariant, under every kind of fault, with all of them looked at", async () => {
    const startedAt = performance.now();
    const results = await runSeeds({ first, seeds, mutation: null, fault: null, withHistory: false });
    const text = summary(results, (performance.now() - startedAt) / 1000);
    console.log(text);
    const last = results.at(-1)!;
    assert.equal(last.violation, null, `npm run simulate -- --seeds 1 --seed ${last.seed}`);
    assert.equal(results.length, seeds);
    for (const { operations, keys, faults } of results) assert.ok(operations >= 300 && keys >= 20 && faults >= 5);
    const { faults, checks } = totals(results);
    for (const [kind, n] of faults) assert.ok(n > 0, `no run had the fault "${kind}"`);
    for (const what of outcomes)
      assert.ok(
        results.some(({ counts }) => counts.has(what)),
        `no run had "${what}"`,
      );
    for (const [invariant, n] of checks) assert.ok(n > 0, `invariant ${invariant} was never looked at`);
  });
});
