import * as pulumi from "@pulumi/pulumi";
import type { GlobalConfig } from "../config/global.ts";
import { cloudflare } from "../sdk/cloudflare.cjs";
import { cacheRules } from "./rules/cache.ts";
import { customRules, managedRules } from "./rules/firewall.ts";
import { rateLimits } from "./rules/rate-limits.ts";

export type RulesArgs = { readonly config: GlobalConfig };

/** What the edge does to requests on their way: one ruleset for each phase, as the API has no more than one. */
export class Rules extends pulumi.ComponentResource {
  constructor(name: string, { config }: RulesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:global:Rules", name, {}, opts);
    const { zoneId } = config.cloudflare;

    for (const [word, { phase, rules }] of Object.entries(rulesets(config))) {
      if (rules.length === 0) continue;
      new cloudflare.Ruleset(
        word,
        { zoneId, kind: "zone", phase, name: `SkyKV: ${word}`, description: `SkyKV: ${word}`, rules },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}

/** By a stable word. */
export function rulesets(config: GlobalConfig) {
  return {
    managed: { phase: "http_request_firewall_managed", rules: managedRules(config) },
    custom: { phase: "http_request_firewall_custom", rules: customRules(config) },
    "rate-limits": { phase: "http_ratelimit", rules: rateLimits(config) },
    cache: { phase: "http_request_cache_settings", rules: cacheRules(config) },
  };
}
