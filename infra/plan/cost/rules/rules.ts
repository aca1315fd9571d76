import type { Rules } from "../bill.ts";
import type { PricedKind } from "../settings.ts";
import { aws } from "./aws.ts";
import { azure } from "./azure.ts";
import { common } from "./common.ts";
import { gcp } from "./gcp.ts";

/** How each type of resource is priced in each kind of stack. The edge's has resources of all clouds, none that cost. */
export const rules: Readonly<Record<PricedKind, Rules>> = {
  aws: { ...common, ...aws },
  gcp: { ...common, ...gcp },
  azure: { ...common, ...azure },
  global: { ...gcp, ...azure, ...aws, ...common },
};
