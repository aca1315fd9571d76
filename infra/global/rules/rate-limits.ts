/** How much one address may ask before it is refused for a while. Pure. */
import type { GlobalConfig } from "../../config/global.ts";
import { planLimits } from "../../edge/plans.ts";
import { forApi, forStore, type Rule } from "./rule.ts";

/**
 * Cloudflare counts in each data centre for itself, and has us say so. Limits by API key are the service's own: the edge can
 * count by header in the largest plan only.
 */
const characteristics = ["cf.colo.id", "ip.src"];

/** Where the configuration does not say. */
const failedLoginsPerMinute = 60;

export function rateLimits({ domain, edge, cloudflare }: Pick<GlobalConfig, "domain" | "edge" | "cloudflare">): Rule[] {
  const { longestPeriod, longestBlock, byHost, byStatus } = planLimits[cloudflare.plan].rateLimits;
  const period = Math.min(60, longestPeriod);
  const block = (seconds: number) => Math.min(seconds, longestBlock);
  const requests: Rule = {
    ref: "requests",
    description: "Requests from one address",
    enabled: true,
    action: "block",
    expression: byHost ? forStore(domain) : `starts_with(http.request.uri.path, "/")`,
    ratelimit: {
      characteristics,
      period,
      requestsPerPeriod: Math.ceil((edge.requestsPerMinute * period) / 60),
      mitigationTimeout: block(60),
      requestsToOrigin: false,
    },
  };
  if (!byStatus) return [requests];
  return [
    requests,
    {
      ref: "failed-logins",
      description: "Keys that are guessed from one address",
      enabled: true,
      action: "block",
      expression: forApi(domain),
      ratelimit: {
        characteristics,
        countingExpression: `${forApi(domain)} and http.response.code eq 401`,
        period: 60,
        requestsPerPeriod: edge.failedLoginsPerMinute ?? failedLoginsPerMinute,
        mitigationTimeout: block(600),
        requestsToOrigin: false,
      },
    },
  ];
}
