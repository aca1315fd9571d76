import { formatCidr, overlap, parseCidr, part } from "../cidr.ts";

/** Subnets, in the order in which they are cut from the network's range. */
export const subnetNames = ["nodes", "endpoints", "database", "apiServer"] as const;
export type SubnetName = (typeof subnetNames)[number];

/**
 * Half of the network is for nodes (2,043 of them in the smallest network, a /20), an eighth each for the others; the last
 * eighth stays free for what is still to come. Pods have addresses of their own, outside of the network (`overlay`).
 */
export function planSubnets(cidr: string): Readonly<Record<SubnetName, string>> {
  const range = parseCidr(cidr);
  const eighth = (index: number) => formatCidr(part(range, range.prefix + 3, index));
  return {
    nodes: formatCidr(part(range, range.prefix + 1, 0)),
    endpoints: eighth(4),
    database: eighth(5),
    apiServer: eighth(6),
  };
}

/**
 * Addresses that exist inside of the cluster alone, from the range that RFC 6598 keeps from the internet and from most
 * companies' networks. A node takes a /24 of the pods' range: room for 1,024 nodes. AKS refuses 169.254.0.0/16,
 * 172.30.0.0/16, 172.31.0.0/16 and 192.0.2.0/24.
 */
export const overlay = {
  pods: "100.64.0.0/14",
  services: "100.68.0.0/16",
  dnsServiceIP: "100.68.0.10",
} as const;

/** Whether a network can have such a cluster in it. */
export function outsideOfOverlay(cidr: string): boolean {
  return [overlay.pods, overlay.services].every((range) => !overlap(parseCidr(range), parseCidr(cidr)));
}
