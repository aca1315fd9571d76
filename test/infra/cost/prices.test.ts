import assert from "node:assert/strict";
import { amount, type Price } from "../../../infra/plan/cost/price.ts";
import { prices } from "../../../infra/plan/cost/prices/prices.ts";

const list: readonly (readonly [string, Price])[] = Object.entries(prices);

describe("the tables of prices", () => {
  it("say of each price where it was read, when, and for which region and unit", () => {
    for (const [name, { source, date, region, unit }] of list) {
      assert.match(source, /^https:\/\/\S+$/, name);
      assert.match(date, /^2026-\d\d-\d\d$/, name);
      assert.match(region, /^(us-east-1|us-central1|us-east1|eastus2?|everywhere)$/, name);
      assert.notEqual(unit, "", name);
    }
  });

  it("have steps that rise to no end", () => {
    for (const [name, { usd }] of list) {
      if (typeof usd === "number") continue;
      const ends = usd.map(({ upTo }) => upTo);
      assert.deepEqual(
        ends,
        ends.toSorted((a, b) => a - b),
        name,
      );
      assert.equal(ends.at(-1), Number.POSITIVE_INFINITY, name);
    }
  });

  it("are charged by steps where they have some", () => {
    // 100 GB are free, 10,140 cost 0.09 each, 760 cost 0.085.
    assert.equal(amount(prices["aws egress"], 11_000).toFixed(2), (10_140 * 0.09 + 760 * 0.085).toFixed(2));
    assert.equal(amount(prices["aws egress"], 100), 0);
  });
});
