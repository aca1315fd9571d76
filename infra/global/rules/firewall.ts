/** What is refused before it reaches a cloud. Pure. */
import type { GlobalConfig } from "../../config/global.ts";
import { planLimits } from "../../edge/plans.ts";
import { forApi, forStore, type Rule } from "./rule.ts";

/** Ids of Cloudflare's own rulesets: the same in every zone. */
const cloudflareRules = "efb7b8c949ac4650a09736fc376e9aee";
const owaspRules = "4814384a9e5d4991b9815dcfc25d2f1f";

type Config = Pick<GlobalConfig, "domain" | "edge" | "cloudflare">;

/** Rules that Cloudflare keeps up to date. None where they are switched off, or the plan has none. */
export function managedRules({ domain, edge, cloudflare }: Config): Rule[] {
  if (!(edge.managedRules ?? planLimits[cloudflare.plan].managedRules)) return [];
  return [
    {
      ref: "values",
      description: "Stored values are data: they may look like an attack on something that is not here",
      enabled: true,
      action: "skip",
      actionParameters: { ruleset: "current" },
      expression: `${forApi(domain)} and http.request.method in {"PUT" "POST"}`,
      logging: { enabled: true },
    },
    execute("cloudflare", "Cloudflare's managed rules", cloudflareRules, domain),
    execute("owasp", "OWASP's core rules", owaspRules, domain),
  ];
}

function execute(ref: string, description: string, id: string, domain: string): Rule {
  return { ref, description, enabled: true, action: "execute", actionParameters: { id }, expression: forStore(domain) };
}

/** Requests that nothing here answers. */
export function customRules({ domain }: Pick<Config, "domain">): Rule[] {
  return [
    {
      ref: "methods",
      description: "Methods that the API does not have",
      enabled: true,
      action: "block",
      expression: `${forStore(domain)} and not http.request.method in {"GET" "HEAD" "PUT" "POST" "DELETE" "OPTIONS"}`,
    },
    {
      ref: "ports",
      description: "Other ports that Cloudflare listens on",
      enabled: true,
      action: "block",
      expression: `${forStore(domain)} and not cf.edge.server_port in {80 443}`,
    },
  ];
}
