/** One line of a vendor's price list, in USD without taxes and discounts. */
export type Price = {
  /** For one unit; in tiers where a month's quantity is charged by steps. */
  readonly usd: number | readonly Tier[];
  readonly unit: string;
  readonly region: string;
  /** Where it was read. */
  readonly source: string;
  /** The day that the source is of, or on which it was read where it names none. */
  readonly date: string;
  /** True where others report what the source says, and it could not be read itself. */
  readonly reported?: true;
};

/** `usd` for each unit up to `upTo` units a month. The last tier has no end. */
export type Tier = { readonly upTo: number; readonly usd: number };

/** USD for a quantity of a month. Never falls when the quantity grows. */
export function amount({ usd }: Price, quantity: number): number {
  if (typeof usd === "number") return quantity * usd;
  let sum = 0;
  let from = 0;
  for (const tier of usd) {
    sum += Math.max(0, Math.min(quantity, tier.upTo) - from) * tier.usd;
    from = tier.upTo;
  }
  return sum;
}
