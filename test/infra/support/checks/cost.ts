import assert from "node:assert/strict";
import fc from "fast-check";
import { type Load, loads } from "../../../../infra/config/load.ts";
import { type Cost, costOf } from "../../../../infra/plan/cost/cost.ts";
import { amount } from "../../../../infra/plan/cost/price.ts";
import { prices } from "../../../../infra/plan/cost/prices/prices.ts";
import { rules } from "../../../../infra/plan/cost/rules/rules.ts";
import type { PricedKind } from "../../../../infra/plan/cost/settings.ts";
import type { Plan } from "../../../../infra/plan/resource.ts";

/** Of a stack of three clouds. */
export function costUnder(load: Load, plan: Pick<Plan, "resources">, kind: PricedKind): Cost {
  return costOf(plan, { kind, load, budget: null, clouds: 3, cloudflarePlan: "business" });
}

/** Each type of resource has a price, is free for a reason, or is named as not counted. */
export function everythingIsPriced({ resources }: Plan, kind: PricedKind): void {
  const real = resources.filter(({ custom, external }) => custom && !external);
  const unknown = real.map(({ type }) => type).filter((type) => rules[kind][type] === undefined);
  assert.deepEqual([...new Set(unknown)], [], "types without a rule in infra/plan/cost/rules");
}

const amounts = { reads: 1e5, writes: 1e5, valueBytes: 1e6, cacheHits: 1, storedGb: 1e5, newKeys: 1, logGb: 1e4 };

const anyLoad: fc.Arbitrary<Load> = fc.record(
  Object.fromEntries(Object.entries(amounts).map(([name, max]) => [name, fc.double({ min: 0, max, noNaN: true })])) as {
    [Name in keyof Load]: fc.Arbitrary<number>;
  },
);

/** Two loads, of which the second is more in one respect. */
const growing = fc
  .tuple(anyLoad, anyLoad, fc.constantFrom(...(Object.keys(loads.standard) as (keyof Load)[])))
  .map(([load, other, key]): [Load, Load] => {
    const [low, high] = [Math.min(load[key], other[key]), Math.max(load[key], other[key])];
    // The more caches answer, the less there is to do.
    const [less, more] = key === "cacheHits" ? [high, low] : [low, high];
    return [
      { ...load, [key]: less },
      { ...load, [key]: more },
    ];
  });

/** Sums of the same parts in another order differ in their last digits. */
const rounding = 1e-9;

export function costNeverFalls(plan: Plan, kind: PricedKind): void {
  fc.assert(
    fc.property(growing, ([load, more]) => {
      const [before, after] = [costUnder(load, plan, kind).usd, costUnder(more, plan, kind).usd];
      assert.ok(after >= before * (1 - rounding), `${before} USD became ${after}`);
    }),
  );
}

/** Components are the sums of their lines, the whole is that of the components, and prices go by all of their lines. */
export function costAddsUp(plan: Plan, kind: PricedKind): void {
  const close = (a: number, b: number) => assert.ok(Math.abs(a - b) <= rounding * Math.max(1, a), `${a} is not ${b}`);
  const sum = (list: readonly { usd: number }[]) => list.reduce((total, { usd }) => total + usd, 0);
  fc.assert(
    fc.property(anyLoad, (load) => {
      const { usd, components, lines } = costUnder(load, plan, kind);
      close(usd, sum(components));
      for (const part of components) close(part.usd, sum(lines.filter((line) => line.component === part.component)));
      for (const [name, some] of Map.groupBy(lines, ({ price }) => price)) {
        close(
          sum(some),
          amount(
            prices[name],
            some.reduce((total, { quantity }) => total + quantity, 0),
          ),
        );
      }
    }),
    { numRuns: 30 },
  );
}
