import { is, isAtLeast, isNot, isOneOf, isSet, test, where } from "../../condition.ts";
import type { Rule } from "../../rule.ts";
import { isList, isMap, type Value } from "../../value.ts";

const balancer = "cloudflare:index/loadBalancer:LoadBalancer";
const setting = "cloudflare:index/zoneSetting:ZoneSetting";

export const cloudflare: readonly Rule[] = [
  {
    name: "edge-proxied",
    types: [balancer],
    severity: "high",
    protects: "clients that see the addresses of the clouds, and pass the edge by",
    standard: "",
    fix: "proxied: true",
    conditions: [is("proxied", true), isNot("enabled", false)],
  },
  {
    name: "edge-fails-over",
    types: [balancer],
    severity: "critical",
    protects: "the loss of one cloud being the loss of the service",
    standard: "",
    fix: "two pools or more in defaultPools and in each region; fallbackPool; adaptiveRouting.failoverAcrossPools: true",
    conditions: [
      several("defaultPools"),
      isSet("fallbackPool"),
      is("adaptiveRouting.failoverAcrossPools", true),
      where(
        "steeringPolicy",
        "geo",
        test(
          "regionPools",
          "have two different pools or more in each region",
          (regions) => isMap(regions) && Object.values(regions).every(isSeveral),
          {
            right: { WEU: ["one", "two"] },
            wrong: [{ WEU: ["one"] }, { WEU: ["one", "one"] }],
          },
        ),
      ),
    ],
  },
  {
    name: "edge-steering",
    types: [balancer],
    severity: "medium",
    protects: "requests that change from cloud to cloud at random",
    standard: "",
    fix: 'steeringPolicy: "geo", or "off" for one active cloud',
    conditions: [isOneOf("steeringPolicy", "geo", "off")],
  },
  {
    name: "edge-probed",
    types: ["cloudflare:index/loadBalancerPool:LoadBalancerPool"],
    severity: "critical",
    protects: "requests to a cloud that is down",
    standard: "",
    fix: "monitor, and two checkRegions or more, since one place may be cut off itself",
    conditions: [isSet("monitor"), several("checkRegions"), isNot("enabled", false)],
  },
  {
    name: "edge-probe-honest",
    types: ["cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor"],
    severity: "high",
    protects: "a cloud that counts as healthy while it answers with errors, or is somebody else",
    standard: "",
    fix: 'type: "https", allowInsecure: false, one expectedCodes, path "/ready"',
    conditions: [
      is("type", "https"),
      is("allowInsecure", false),
      test("expectedCodes", "be one code", (codes) => /^\d{3}$/.test(String(codes)), { right: "200", wrong: ["2xx"] }),
      is("path", "/ready"),
      isAtLeast("consecutiveDown", 1),
      isAtLeast("consecutiveUp", 1),
    ],
  },
  {
    name: "edge-tls",
    types: [setting],
    severity: "critical",
    protects: "connections that are readable on their way, to the edge or from it",
    standard: "",
    fix: "the settings ssl = strict, min_tls_version = 1.2, always_use_https = on",
    conditions: [
      where("settingId", "ssl", isOneOf("value", "strict", "origin_pull")),
      where("settingId", "min_tls_version", isOneOf("value", "1.2", "1.3")),
      where("settingId", "always_use_https", is("value", "on")),
      where("settingId", "tls_1_3", isOneOf("value", "on", "zrt")),
    ],
  },
  {
    name: "edge-hsts",
    types: [setting],
    severity: "medium",
    protects: "browsers that try plain text first",
    standard: "",
    fix: "the setting security_header with strict_transport_security enabled for half a year or more",
    conditions: [
      where("settingId", "security_header", is("value.strict_transport_security.enabled", true)),
      where("settingId", "security_header", isAtLeast("value.strict_transport_security.max_age", 15_768_000)),
    ],
  },
  {
    name: "edge-no-replay",
    types: [setting],
    severity: "medium",
    protects: "a write that somebody on the way sends a second time",
    standard: "RFC 8446, section 8",
    fix: "the setting 0rtt = off",
    conditions: [where("settingId", "0rtt", is("value", "off"))],
  },
  {
    name: "edge-origin-pulls",
    types: ["cloudflare:index/authenticatedOriginPullsSettings:AuthenticatedOriginPullsSettings"],
    severity: "critical",
    protects: "other customers of Cloudflare, who come from the same addresses",
    standard: "",
    fix: "enabled: true",
    conditions: [is("enabled", true)],
  },
  {
    name: "edge-dnssec",
    types: ["cloudflare:index/zoneDnssec:ZoneDnssec"],
    severity: "medium",
    protects: "clients that are sent elsewhere by forged answers",
    standard: "",
    fix: 'status: "active"',
    conditions: [is("status", "active")],
  },
  {
    name: "edge-origin-certificates",
    types: ["cloudflare:index/originCaCertificate:OriginCaCertificate"],
    severity: "low",
    protects: "certificates that are good for fifteen years",
    standard: "",
    fix: "requestedValidity of 1095 days or less",
    conditions: [
      test("requestedValidity", "be 1095 days or less", (days) => typeof days === "number" && days <= 1095, {
        right: 1095,
        wrong: [5475],
      }),
    ],
  },
  {
    name: "edge-rules-on",
    types: ["cloudflare:index/ruleset:Ruleset"],
    severity: "high",
    protects: "a rule that is written down and does nothing",
    standard: "",
    fix: "enabled: true in each rule, and a ref, so that the order may change",
    conditions: [isNot("rules[].enabled", false), isSet("rules[].ref")],
  },
  {
    name: "edge-rate-limited",
    types: ["cloudflare:index/ruleset:Ruleset"],
    severity: "high",
    protects: "one client that takes the place of all others",
    standard: "",
    fix: "ratelimit.requestsPerPeriod in each rule of the phase http_ratelimit",
    conditions: [where("phase", "http_ratelimit", isSet("rules[].ratelimit.requestsPerPeriod"))],
  },
  {
    name: "edge-token-narrow",
    types: ["cloudflare:index/apiToken:ApiToken", "cloudflare:index/accountToken:AccountToken"],
    severity: "critical",
    protects: "a token that can change every zone of the account",
    standard: "",
    fix: "policies whose resources name the zone",
    conditions: [
      test("policies", "name no resource *", (policies) => !JSON.stringify(policies).includes(".*"), {
        right: [{ effect: "allow", resources: "com.cloudflare.api.account.zone.0123" }],
        wrong: [[{ effect: "allow", resources: "com.cloudflare.api.account.zone.*" }]],
      }),
    ],
  },
];

/** Ids of pools are known only once they are made; how many there are is known before. */
function several(path: string) {
  return test(path, "have two or more", isSeveral, { right: ["one", "two"], wrong: [["one"], ["one", "one"]] });
}

function isSeveral(list: Value): boolean {
  if (!isList(list)) return false;
  const known = list.filter((one) => typeof one === "string");
  return list.length >= 2 && new Set(known).size === known.length;
}
