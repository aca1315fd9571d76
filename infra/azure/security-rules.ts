import type { SubnetName } from "./network-plan.ts";

/** A rule for traffic that comes into a subnet. Ports are single ones or ranges. */
export type Rule = {
  readonly name: string;
  readonly access: "Allow" | "Deny";
  readonly from: string;
  readonly ports: readonly string[];
};

/**
 * What may come into each subnet, first match first. Without a match Azure lets in the network itself and its load
 * balancers, and nobody else.
 */
export function securityRules(
  subnets: Readonly<Record<SubnetName, string>>,
  publicPorts: readonly number[],
): Readonly<Record<SubnetName, readonly Rule[]>> {
  return {
    // AKS opens the same ports for the addresses that the Services name; both groups of rules must agree.
    nodes: [{ name: "load-balancers", access: "Allow", from: "Internet", ports: publicPorts.map(String) }],
    endpoints: [
      { name: "https", access: "Allow", from: "VirtualNetwork", ports: ["443"] },
      { name: "service-bus", access: "Allow", from: subnets.nodes, ports: ["5671-5672"] },
      // 10000 is where clients ask for the cluster's layout, 85xx where its shards answer.
      { name: "redis", access: "Allow", from: subnets.nodes, ports: ["10000", "8500-8599"] },
      nothingElse,
    ],
    database: [
      { name: "postgresql", access: "Allow", from: subnets.nodes, ports: ["5432"] },
      // The standby follows from inside of the same subnet.
      { name: "replication", access: "Allow", from: subnets.database, ports: ["*"] },
      nothingElse,
    ],
    // AKS needs more than it documents there; the defaults keep everybody out but the network.
    apiServer: [],
  };
}

const nothingElse: Rule = { name: "nothing-else", access: "Deny", from: "VirtualNetwork", ports: ["*"] };

/** As Azure wants it: the lower the priority's number the earlier, from 100. */
export function securityRuleArgs(rules: readonly Rule[]) {
  return rules.map(({ name, access, from, ports }, index) => ({
    name,
    access,
    priority: 100 + 10 * index,
    direction: "Inbound",
    protocol: access === "Deny" ? "*" : "Tcp",
    sourceAddressPrefix: from,
    sourcePortRange: "*",
    destinationAddressPrefix: "*",
    ...(ports.length === 1 ? { destinationPortRange: ports[0]! } : { destinationPortRanges: [...ports] }),
  }));
}
