import assert from "node:assert/strict";
import fc from "fast-check";
import { outsideOfOverlay, overlay, planSubnets, subnetNames } from "../../../infra/azure/network-plan.ts";
import { securityRuleArgs, securityRules } from "../../../infra/azure/security-rules.ts";
import { contains, formatCidr, overlap, parseCidr, part, size } from "../../../infra/cidr.ts";

/** Every range that the configuration accepts for a new network. */
const networks = fc
  .tuple(fc.integer({ min: 12, max: 20 }), fc.nat())
  .map(([prefix, index]) => formatCidr(part(parseCidr("10.0.0.0/8"), prefix, index % 2 ** (prefix - 8))));

describe("the network's plan on Azure", () => {
  it("puts every subnet inside of the network, and no two over each other", () => {
    fc.assert(
      fc.property(networks, (network) => {
        const ranges = Object.values(planSubnets(network)).map(parseCidr);
        for (const [index, range] of ranges.entries()) {
          assert.ok(contains(parseCidr(network), range));
          for (const other of ranges.slice(index + 1)) assert.ok(!overlap(range, other));
        }
      }),
    );
  });

  it("has room for the largest pools: 100 nodes and those of the system, 5 addresses of each subnet are Azure's", () => {
    fc.assert(
      fc.property(networks, (network) => {
        const { nodes, apiServer } = planSubnets(network);
        assert.ok(size(parseCidr(nodes).prefix) - 5 > 2 * 100);
        assert.ok(parseCidr(apiServer).prefix <= 28, "the API server takes no subnet smaller than a /28");
      }),
    );
  });

  it("keeps pods and Services apart from each other, and their name server inside", () => {
    const [pods, services] = [parseCidr(overlay.pods), parseCidr(overlay.services)];
    assert.ok(!overlap(pods, services));
    assert.ok(contains(services, parseCidr(`${overlay.dnsServiceIP}/32`)));
    assert.ok(outsideOfOverlay("10.48.0.0/16"));
    assert.ok(!outsideOfOverlay("100.64.0.0/16"));
  });

  it("lets the internet in to load balancers alone, and the network to nothing that it has no rule for", () => {
    const rules = securityRules(planSubnets("10.48.0.0/16"), [443, 8444]);
    for (const subnet of subnetNames) {
      const fromInternet = rules[subnet].filter(({ from }) => from === "Internet");
      assert.deepEqual(
        fromInternet.flatMap(({ ports }) => ports),
        subnet === "nodes" ? ["443", "8444"] : [],
      );
    }
    for (const subnet of ["endpoints", "database"] as const) {
      assert.deepEqual(rules[subnet].at(-1), {
        name: "nothing-else",
        access: "Deny",
        from: "VirtualNetwork",
        ports: ["*"],
      });
    }
  });

  it("gives every rule of a subnet a priority of its own, in order", () => {
    const priorities = securityRuleArgs(securityRules(planSubnets("10.48.0.0/16"), [8444]).endpoints).map(
      ({ priority }) => priority,
    );
    assert.deepEqual(priorities, [100, 110, 120, 130]);
  });
});
