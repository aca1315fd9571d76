import assert from "node:assert/strict";
import fc from "fast-check";
import { serviceRange, zoneRanges } from "../../../infra/aws/subnets.ts";
import { contains, overlap, parseCidr, size } from "../../../infra/cidr.ts";
import { type ZoneLetter, zoneLetters } from "../../../infra/config/aws.ts";
import { workloadSizes } from "../../../infra/config/shared.ts";

/** What the configuration takes for a network: a prefix from /12 to /20. */
const networks = fc.tuple(fc.integer({ min: 12, max: 20 }), fc.nat(255), fc.nat(255)).map(([prefix, second, third]) => {
  const address = ((10 << 24) | (second << 16) | (third << 8)) >>> 0;
  const base = address - (address % size(prefix));
  return `${[24, 16, 8, 0].map((shift) => (base >>> shift) & 255).join(".")}/${prefix}`;
});

const rangesOf = (network: string, letter: ZoneLetter) => Object.values(zoneRanges(network, letter)).map(parseCidr);

/** What AWS keeps of each subnet for itself. */
const reserved = 5;

describe("subnets on AWS", () => {
  it("lie in the network and do not overlap, with zones of all letters", () => {
    fc.assert(
      fc.property(networks, (network) => {
        const subnets = zoneLetters.flatMap((letter) => rangesOf(network, letter));
        for (const [i, subnet] of subnets.entries()) {
          assert.ok(contains(parseCidr(network), subnet));
          for (const other of subnets.slice(i + 1)) assert.ok(!overlap(subnet, other));
        }
      }),
    );
  });

  it("are as small and as large as AWS takes them: /16 to /28", () => {
    fc.assert(
      fc.property(networks, fc.constantFrom(...zoneLetters), (network, letter) => {
        for (const { prefix } of rangesOf(network, letter)) assert.ok(prefix >= 15 && prefix <= 28);
      }),
    );
  });

  it("have room in the smallest network for the largest profile, with a zone of three lost", () => {
    const { private: nodes, public: front, intra } = zoneRanges("10.0.0.0/20", "a");
    const room = (range: string) => size(parseCidr(range).prefix) - reserved;
    const { api, replicator } = workloadSizes.large;
    const pods = api.max + replicator.max;
    // A node takes its pods' addresses in blocks of 16, and four pods of a CPU fit on the smallest that Auto Mode chooses.
    assert.ok(2 * room(nodes) >= Math.ceil(pods / 4) * (16 + 2) + 100);
    // A load balancer is not made in a subnet with fewer than 8 free addresses.
    assert.ok(room(front) >= 1 + 2 * 8);
    // Nine nodes of the cache, three of the database, six private endpoints, three of a broker.
    assert.ok(2 * room(intra) >= 9 + 3 + 2 * 6 + 3);
  });
});

describe("the range of Services on AWS", () => {
  it("does not overlap the network", () => {
    const anywhere = fc.oneof(networks, fc.constantFrom("172.16.0.0/12", "172.20.0.0/16", "10.96.0.0/12"));
    fc.assert(
      fc.property(anywhere, (network) => {
        assert.ok(!overlap(parseCidr(serviceRange(network)), parseCidr(network)));
      }),
    );
  });
});
