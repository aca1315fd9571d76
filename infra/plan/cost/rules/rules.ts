import type { Kind } from "../../../config/config.ts";
import type { Rules } from "../bill.ts";
import { aws } from "./aws.ts";
import { azure } from "./azure.ts";
import { common, local } from "./common.ts";
import { gcp } from "./gcp.ts";

/** How each type of resource is priced in each kind of stack. The edge's has resources of all clouds, none that cost. */
export const rules: Readonly<Record<Kind, Rules>> = {
  aws: { ...common, ...aws },
  gcp: { ...common, ...gcp },
  azure: { ...common, ...azure },
  global: { ...gcp, ...azure, ...aws, ...common },
  local: { ...common, ...local },
};
