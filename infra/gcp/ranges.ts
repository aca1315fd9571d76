import { formatCidr, parseCidr, part } from "../cidr.ts";

/** The ranges of one network, in CIDR notation. None can be changed once the cluster stands in it. */
export type Ranges = {
  readonly nodes: string;
  readonly pods: string;
  readonly services: string;
  /** Of private endpoints: the database's, and those that Memorystore makes. */
  readonly endpoints: string;
};

/**
 * Cuts a network's range (/12 to /18): half is for pods, an eighth or more is left over for what comes later.
 * GKE gives each node a /26 of the pods' range (32 pods a node), so that a /18 has room for 128 nodes, and the default /14 for 2048.
 * A /20 of services is 4096 of them, and GKE takes no more than a /16.
 */
export function rangesOf(network: string): Ranges {
  const range = parseCidr(network);
  const eighth = range.prefix + 3;
  return {
    pods: formatCidr(part(range, range.prefix + 1, 0)),
    nodes: formatCidr(part(range, range.prefix + 2, 2)),
    services: formatCidr(part(part(range, eighth, 6), Math.max(eighth, 20), 0)),
    endpoints: formatCidr(part(part(range, eighth, 7), 24, 0)),
  };
}
