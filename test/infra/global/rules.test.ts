import assert from "node:assert/strict";
import { cloudflarePlans, planLimits } from "../../../infra/edge/plans.ts";
import { cacheRules } from "../../../infra/global/rules/cache.ts";
import { customRules, managedRules } from "../../../infra/global/rules/firewall.ts";
import { rateLimits } from "../../../infra/global/rules/rate-limits.ts";
import type { Rule } from "../../../infra/global/rules/rule.ts";

const edge = { requestsPerMinute: 60_000, hstsDays: 365, certificateAuthorities: ["letsencrypt.org"] };

function configOf(plan: (typeof cloudflarePlans)[number], changes: { readonly managedRules?: boolean } = {}) {
  const cloudflare = { accountId: "", zoneId: "", zone: "example.com", plan, trafficSteering: true };
  return { domain: "kv.example.com", cloudflare, edge: { ...edge, ...changes } };
}

/** All rules, by the phase that they run in. */
function phases(config: ReturnType<typeof configOf>): Record<string, Rule[]> {
  return {
    managed: managedRules(config),
    custom: customRules(config),
    limits: rateLimits(config),
    cache: cacheRules(config),
  };
}

describe("the rules of the edge", () => {
  it("are told apart by their own words, and say what they are for", () => {
    for (const plan of cloudflarePlans) {
      for (const rules of Object.values(phases(configOf(plan)))) {
        assert.equal(new Set(rules.map(({ ref }) => ref)).size, rules.length);
        for (const { enabled, description } of rules) assert.ok(enabled && description.length > 0);
      }
    }
  });

  it("are for the store's own name, where the plan can ask for it", () => {
    for (const plan of cloudflarePlans) {
      const { limits = [], ...others } = phases(configOf(plan));
      const asked = planLimits[plan].rateLimits.byHost ? [...Object.values(others).flat(), ...limits] : [];
      for (const { expression } of asked) assert.match(expression, /^http\.host eq "kv\.example\.com"/);
    }
  });

  it("of Cloudflare's keeping are on where the plan has them, off where the configuration says so", () => {
    const executed = (rules: readonly Rule[]) => rules.filter(({ action }) => action === "execute").length;
    assert.equal(executed(managedRules(configOf("free"))), 0);
    assert.equal(executed(managedRules(configOf("pro"))), 2);
    assert.equal(executed(managedRules(configOf("pro", { managedRules: false }))), 0);
  });

  it("of Cloudflare's keeping do not look into values: they are skipped before they run", () => {
    const [first, ...others] = managedRules(configOf("business"));
    assert.equal(first?.action, "skip");
    assert.match(first.expression, /"\/v1\/"\) and http\.request\.method in \{"PUT" "POST"\}$/);
    assert.ok(others.every(({ action }) => action === "execute"));
  });

  it("let every method of the API through", () => {
    const [methods] = customRules(configOf("free"));
    for (const method of ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"]) {
      assert.ok(methods?.expression.includes(`"${method}"`), method);
    }
  });

  it("limit within what the plan can count", () => {
    for (const plan of cloudflarePlans) {
      const limits = rateLimits(configOf(plan));
      const can = planLimits[plan].rateLimits;
      assert.ok(limits.length >= 1 && limits.length <= can.rules);
      for (const ratelimit of limits.map((rule) => rule.ratelimit!)) {
        // Without it the API refuses the rule: it counts in each data centre.
        assert.deepEqual(ratelimit.characteristics, ["cf.colo.id", "ip.src"]);
        assert.ok(ratelimit.period <= can.longestPeriod && ratelimit.mitigationTimeout <= can.longestBlock);
        assert.ok(ratelimit.requestsPerPeriod >= 1);
        assert.ok(can.byStatus || ratelimit.countingExpression === undefined);
      }
    }
  });

  it("limit to the same rate over shorter periods", () => {
    const rate = (plan: "free" | "business") => {
      const { period, requestsPerPeriod } = rateLimits(configOf(plan))[0]!.ratelimit!;
      return requestsPerPeriod / period;
    };
    assert.equal(rate("free"), rate("business"));
  });

  it("keep values only as long as the service says, and leave their versions alone", () => {
    const [values] = cacheRules(configOf("business"));
    const parameters = values?.actionParameters;
    assert.deepEqual(parameters?.edgeTtl, { mode: "bypass_by_default" });
    assert.equal(parameters?.respectStrongEtags, true);
  });

  it("keep pages no shorter than the plan can", () => {
    for (const plan of cloudflarePlans) {
      const ttl = cacheRules(configOf(plan))[1]!.actionParameters!.edgeTtl!.default!;
      assert.ok(ttl >= planLimits[plan].shortestEdgeTtl);
    }
  });
});
