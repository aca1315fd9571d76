import { type Load, loads } from "../../../config/load.ts";
import { type Profile, profiles } from "../../../config/shared.ts";
import type { Plan } from "../../resource.ts";
import { type Cost, costOf } from "../cost.ts";
import type { PricedKind } from "../settings.ts";
import { choices } from "./choices.ts";

/** What the guide is about: the clouds, and the edge in front of them. */
export const stacks: readonly PricedKind[] = ["aws", "gcp", "azure", "global"];

/** Gives the plan of a stack in a size, with other values for keys of its configuration. */
export type PlanOf = (stack: PricedKind, profile: Profile, config?: Readonly<Record<string, unknown>>) => Plan;

/** All plans that the guide needs. */
export const needed: readonly Parameters<PlanOf>[] = [
  ...stacks.flatMap((stack) => profiles.map((profile): Parameters<PlanOf> => [stack, profile])),
  ...choices.map(({ stack, profile, config }): Parameters<PlanOf> => [stack, profile, config]),
];

/** By the defaults, of three clouds and Cloudflare's plan business. */
export function costIn(plan: Plan, stack: PricedKind, load: Load, clouds = 3): Cost {
  return costOf(plan, { kind: stack, load, budget: null, clouds, cloudflarePlan: "business" });
}

/** Of all stacks together. */
export function wholeUsd(planOf: PlanOf, profile: Profile, load: Load = loads[profile]): number {
  return stacks.reduce((sum, stack) => sum + costIn(planOf(stack, profile), stack, load).usd, 0);
}

/** So many times as many requests, and as many logs and stored entries. */
export function scaled(load: Load, times: number): Load {
  const { reads, writes, storedGb, logGb } = load;
  return { ...load, reads: reads * times, writes: writes * times, storedGb: storedGb * times, logGb: logGb * times };
}
