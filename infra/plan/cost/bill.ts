import type { CloudflarePlan } from "../../edge/plans.ts";
import type { PlannedResource } from "../resource.ts";
import type { Line } from "./line.ts";
import type { Pods } from "./pods.ts";
import type { Traffic } from "./traffic.ts";

/** What rules know beside the resource that they price. */
export type Bill = {
  readonly traffic: Traffic;
  readonly pods: Pods;
  /** How many clouds the cluster has. */
  readonly clouds: number;
  readonly cloudflarePlan: CloudflarePlan;
  /** Resources of the plan, by type. */
  readonly of: (type: string) => readonly PlannedResource[];
};

/** What a resource costs in a month: lines, or why it has none. */
export type Rule = ((resource: PlannedResource, bill: Bill) => readonly Line[] | Uncounted) | Free | Uncounted;

export type Free = { readonly free: string };
export type Uncounted = { readonly uncounted: string };

/** By type of resource. */
export type Rules = Readonly<Record<string, Rule>>;

/** The same reason for several types. */
export function all<R extends Free | Uncounted>(reason: R, ...types: readonly string[]): Rules {
  return Object.fromEntries(types.map((type) => [type, reason]));
}

/** For a size that the tables of prices do not have. */
export function unknownSize(what: string, size: string): Uncounted {
  return { uncounted: `${what} ${size || "of unknown size"}, at a price that was not found` };
}
