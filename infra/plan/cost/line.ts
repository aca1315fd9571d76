import { amount } from "./price.ts";
import { type PriceName, prices } from "./prices/prices.ts";

/** What a cost is for: the same words on each cloud, in the order of being printed. */
export const components = [
  "compute",
  "database",
  "cache",
  "queue",
  "traffic",
  "network",
  "storage",
  "keys and secrets",
  "logs and alarms",
  "edge",
] as const;
export type Component = (typeof components)[number];

/** A quantity at a price. */
export type Line = {
  readonly component: Component;
  /** In the tables of prices, which say unit, region, source and date. */
  readonly price: PriceName;
  /** Units a month. */
  readonly quantity: number;
  /** USD a month. */
  readonly usd: number;
  /** What makes it more or less: keys of the configuration. */
  readonly driver: string;
};

export function line(component: Component, price: PriceName, quantity: number, driver: string): Line {
  return { component, price, quantity, usd: amount(prices[price], quantity), driver };
}

/** What a price is of, without the vendor, which a stack has one of. */
export function withoutVendor(price: PriceName): string {
  return price.slice(price.indexOf(" ") + 1);
}

/** Lines of the same kind become one. Where a price goes by steps, the steps are those of all its lines together. */
export function merged(lines: readonly Line[]): Line[] {
  const totals = Map.groupBy(lines, ({ price }) => price);
  const groups = Map.groupBy(lines, ({ component, price, driver }) => [component, price, driver].join("|"));
  return [...groups.values()].map(([first, ...others]) => {
    const quantity = quantityOf([first!, ...others]);
    const total = quantityOf(totals.get(first!.price) ?? []);
    const usd = total === 0 ? 0 : (amount(prices[first!.price], total) * quantity) / total;
    return { ...first!, quantity, usd };
  });
}

function quantityOf(lines: readonly Line[]): number {
  return lines.reduce((sum, { quantity }) => sum + quantity, 0);
}
