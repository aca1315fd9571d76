/**
 * What each plan of Cloudflare's can do, as far as this program asks for it: a preview refuses what the plan cannot do, with
 * the plan that can. Pure.
 */
import type { Steering } from "./steering.ts";

/** From the smallest to the largest. */
export const cloudflarePlans = ["free", "pro", "business", "enterprise"] as const;
export type CloudflarePlan = (typeof cloudflarePlans)[number];

export type PlanLimits = {
  /**
   * Seconds between the probes of a monitor, at least. Two pages of Cloudflare's documentation differ for `pro` (60 and 15):
   * this is the slower, which both allow.
   */
  readonly probeInterval: number;
  /** Whether geo steering is part of it; else it is the add-on "Traffic Steering" of the load balancer. */
  readonly trafficSteering: boolean;
  /** Cloudflare's managed rules and the OWASP core rules, beyond the free set that is always on. */
  readonly managedRules: boolean;
  readonly rateLimits: {
    readonly rules: number;
    /** Seconds over which requests are counted, at most. */
    readonly longestPeriod: number;
    /** Seconds for which a sender stays refused, at most. */
    readonly longestBlock: number;
    /** Whether a rule can ask for the host; without it, limits are those of the whole zone. */
    readonly byHost: boolean;
    /** Whether a rule can count answers by their status. */
    readonly byStatus: boolean;
  };
  /** Seconds that the edge keeps an answer, at least, where the origin is not asked how long. */
  readonly shortestEdgeTtl: number;
};

/**
 * Sources: developers.cloudflare.com, "Plans" (plans/index.json), "Rate limiting rules: availability", "Edge Cache TTL" and
 * load balancing's "Create a monitor", read in October 2026. Load balancing itself is an add-on of every plan.
 */
export const planLimits: Readonly<Record<CloudflarePlan, PlanLimits>> = {
  free: {
    probeInterval: 60,
    trafficSteering: false,
    managedRules: false,
    rateLimits: { rules: 1, longestPeriod: 10, longestBlock: 10, byHost: false, byStatus: false },
    shortestEdgeTtl: 7200,
  },
  pro: {
    probeInterval: 60,
    trafficSteering: false,
    managedRules: true,
    rateLimits: { rules: 2, longestPeriod: 60, longestBlock: 3600, byHost: true, byStatus: false },
    shortestEdgeTtl: 3600,
  },
  business: {
    probeInterval: 15,
    trafficSteering: false,
    managedRules: true,
    rateLimits: { rules: 5, longestPeriod: 600, longestBlock: 86_400, byHost: true, byStatus: true },
    shortestEdgeTtl: 1,
  },
  enterprise: {
    probeInterval: 10,
    trafficSteering: true,
    managedRules: true,
    rateLimits: { rules: 100, longestPeriod: 65_535, longestBlock: 86_400, byHost: true, byStatus: true },
    shortestEdgeTtl: 1,
  },
};

/** What a configuration asks of the plan; undefined where it leaves the choice to the program. */
export type Asked = {
  readonly plan: CloudflarePlan;
  /** Whether the add-on is paid for. */
  readonly trafficSteering: boolean;
  readonly policy?: Steering["policy"] | undefined;
  readonly probeInterval?: number | undefined;
  readonly managedRules?: boolean | undefined;
  readonly failedLoginsPerMinute?: number | undefined;
};

export type Refusal = { readonly path: readonly string[]; readonly message: string };

/** All that the plan cannot do, each with what would do. */
export function refusals(asked: Asked): Refusal[] {
  const { plan } = asked;
  const can = planLimits[plan];
  const interval = asked.probeInterval;
  const problems: (Refusal | false)[] = [
    interval !== undefined &&
      interval < can.probeInterval && {
        path: ["probe", "interval"],
        message: `expected at least ${can.probeInterval} seconds on the plan ${plan}, found ${interval}${orPlan((limits) => limits.probeInterval <= interval)}`,
      },
    asked.policy === "geo" &&
      !can.trafficSteering &&
      !asked.trafficSteering && {
        path: ["steering", "policy"],
        message: `expected off, as geo needs the add-on Traffic Steering on the plan ${plan}: buy it and set cloudflare.trafficSteering: true${orPlan((limits) => limits.trafficSteering)}`,
      },
    asked.managedRules === true &&
      !can.managedRules && {
        path: ["edge", "managedRules"],
        message: `expected false, as the plan ${plan} has none but the free set${orPlan((limits) => limits.managedRules)}`,
      },
    asked.failedLoginsPerMinute !== undefined &&
      !can.rateLimits.byStatus && {
        path: ["edge", "failedLoginsPerMinute"],
        message: `expected nothing, as rate limits of the plan ${plan} cannot count answers${orPlan((limits) => limits.rateLimits.byStatus)}`,
      },
  ];
  return problems.filter((problem) => problem !== false);
}

/** Empty where no plan can. */
function orPlan(suffices: (limits: PlanLimits) => boolean): string {
  const smallest = cloudflarePlans.find((plan) => suffices(planLimits[plan]));
  return smallest === undefined ? "" : `; or take the plan ${smallest}`;
}
