import { type Cidr, formatCidr, overlap, parseCidr, part } from "../cidr.ts";
import { type ZoneLetter, zoneLetters } from "../config/aws.ts";

/** The ranges of one zone. */
export type ZoneRanges = {
  /** Nodes and pods, with a way out through NAT. */
  readonly private: string;
  /** Load balancers and NAT gateways. */
  readonly public: string;
  /** Database, cache, private endpoints: no way out at all. */
  readonly intra: string;
};

/**
 * Where a zone's subnets lie in the network's range: by the zone's own letter, so that neither another order nor further
 * zones move any. Six eighths are the private subnets of the letters a to f, the seventh eighth is cut into their intra
 * subnets, the last into their public ones: of a /16 each zone gets a /19 and two /22.
 */
export function zoneRanges(network: string, letter: ZoneLetter): ZoneRanges {
  const range = parseCidr(network);
  const slot = zoneLetters.indexOf(letter);
  const eighth = (index: number): Cidr => part(range, range.prefix + 3, index);
  const small = (index: number): Cidr => part(eighth(index), range.prefix + 6, slot);
  return { private: formatCidr(eighth(slot)), intra: formatCidr(small(6)), public: formatCidr(small(7)) };
}

/** What Kubernetes gives Services addresses from: apart from the network, and fixed for the cluster's life. */
export function serviceRange(network: string): string {
  const [usual, other] = ["172.20.0.0/16", "10.100.0.0/16"] as const;
  return overlap(parseCidr(network), parseCidr(usual)) ? other : usual;
}
