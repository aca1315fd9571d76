import type { Price } from "../price.ts";
import { reported } from "./sources.ts";

const price = (usd: number, unit: string, source: string, date: string): Price => ({
  usd,
  unit,
  region: "everywhere",
  source,
  date,
});

const plans = "https://www.cloudflare.com/plans/";
/** Cloudflare names no prices of this add-on where they can be read without an account: these are others' reports. */
const loadBalancing = "https://www.cloudflare.com/application-services/products/load-balancing/";

// biome-ignore format: a table, one line for each price
export const cloudflare = {
  "cloudflare pro": price(25, "month", plans, "2026-10-07"),
  "cloudflare business": price(250, "month", plans, "2026-10-07"),
  "cloudflare load balancer": { ...price(5, "month", loadBalancing, "2026-10-07"), ...reported },
  "cloudflare further endpoint": { ...price(5, "month", loadBalancing, "2026-10-07"), ...reported },
  "cloudflare traffic steering": { ...price(10, "month", loadBalancing, "2026-10-07"), ...reported },
} satisfies Record<string, Price>;
