/** What the edge may keep. Pure. */
import type { GlobalConfig } from "../../config/global.ts";
import { planLimits } from "../../edge/plans.ts";
import { forApi, forStore, type Rule } from "./rule.ts";

/** Seconds that pages may be older than what the clouds run. */
const staticTtl = 300;

/** Entity tags are versions, which conditional writes send back: the edge must not make weak ones of them. */
const shared = { cache: true, respectStrongEtags: true, browserTtl: { mode: "respect_origin" } } as const;

export function cacheRules({ domain, cloudflare }: Pick<GlobalConfig, "domain" | "cloudflare">): Rule[] {
  return [
    {
      ref: "values",
      description: "Values: only as long as the service says, which is not at all unless their namespace is public",
      enabled: true,
      action: "set_cache_settings",
      expression: forApi(domain),
      actionParameters: { ...shared, edgeTtl: { mode: "bypass_by_default" } },
    },
    {
      ref: "pages",
      description: "Console and documentation: the same for everybody",
      enabled: true,
      action: "set_cache_settings",
      expression: `${forStore(domain)} and (http.request.uri.path in {"/docs" "/openapi.json"} or starts_with(http.request.uri.path, "/console/"))`,
      actionParameters: {
        ...shared,
        edgeTtl: {
          mode: "override_origin",
          default: Math.max(staticTtl, planLimits[cloudflare.plan].shortestEdgeTtl),
        },
      },
    },
  ];
}
