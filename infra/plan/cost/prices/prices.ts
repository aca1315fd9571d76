import { aws } from "./aws.ts";
import { azure } from "./azure.ts";
import { cloudflare } from "./cloudflare.ts";
import { gcp } from "./gcp.ts";

/** All prices that costs are worked out with. */
export const prices = { ...aws, ...gcp, ...azure, ...cloudflare };
export type PriceName = keyof typeof prices;

export function isPrice(name: string): name is PriceName {
  return name in prices;
}
