/** What a plan costs in a month. Pure: the same plan and settings give the same lines. */
import type { Load } from "../../config/load.ts";
import type { Plan, PlannedResource } from "../resource.ts";
import type { Bill, Uncounted } from "./bill.ts";
import { type Component, components, type Line, merged } from "./line.ts";
import { podsOf } from "./pods.ts";
import { rules } from "./rules/rules.ts";
import type { Settings } from "./settings.ts";
import { trafficOf } from "./traffic.ts";

export type Cost = {
  /** USD a month, without taxes and discounts. */
  readonly usd: number;
  readonly components: readonly { readonly component: Component; readonly usd: number }[];
  /** The dearest first, within components in their order. */
  readonly lines: readonly Line[];
  /** What is left out, and why. */
  readonly uncounted: readonly { readonly type: string; readonly why: string }[];
  /** What it was worked out for. */
  readonly load: Load;
  readonly clouds: number;
  /** USD a month; null where there is none. */
  readonly budget: number | null;
  /** USD by which the budget is exceeded; 0 where it holds, or there is none. */
  readonly excess: number;
};

export function costOf({ resources }: Pick<Plan, "resources">, settings: Settings): Cost {
  const real = resources.filter(({ custom, external }) => custom && !external);
  const byType = Map.groupBy(real, ({ type }) => type);
  const { load, clouds, budget, cloudflarePlan } = settings;
  const traffic = trafficOf(load, clouds);
  const of = (type: string) => byType.get(type) ?? [];
  const bill: Bill = { traffic, clouds, cloudflarePlan, of, pods: podsOf(real, traffic) };
  const priced = real.map((resource) => [resource.type, price(resource, settings, bill)] as const);
  const lines = merged(priced.flatMap(([, found]) => (isUncounted(found) ? [] : found)))
    .filter(({ quantity }) => quantity > 0)
    .sort((a, b) => components.indexOf(a.component) - components.indexOf(b.component) || b.usd - a.usd);
  const byComponent = Map.groupBy(lines, ({ component }) => component);
  const left = priced.flatMap(([type, found]) => (isUncounted(found) ? [[type, found.uncounted] as const] : []));
  const usd = sum(lines);
  return {
    usd,
    components: [...byComponent].map(([component, some]) => ({ component, usd: sum(some) })),
    lines,
    uncounted: [...new Map(left)].map(([type, why]) => ({ type, why })),
    load,
    clouds,
    budget,
    excess: budget === null ? 0 : Math.max(0, usd - budget),
  };
}

function price(resource: PlannedResource, { kind }: Settings, bill: Bill): readonly Line[] | Uncounted {
  const rule = rules[kind][resource.type];
  if (rule === undefined) return { uncounted: "no rule knows this type: add it to infra/plan/cost/rules" };
  if (typeof rule === "function") return rule(resource, bill);
  return "free" in rule ? [] : rule;
}

function isUncounted(found: readonly Line[] | Uncounted): found is Uncounted {
  return "uncounted" in found;
}

function sum(lines: readonly Line[]): number {
  return lines.reduce((total, { usd }) => total + usd, 0);
}
