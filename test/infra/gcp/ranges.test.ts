import assert from "node:assert/strict";
import fc from "fast-check";
import { contains, formatCidr, overlap, parseCidr, size } from "../../../infra/cidr.ts";
import { workloadSizes } from "../../../infra/config/shared.ts";
import { rangesOf } from "../../../infra/gcp/ranges.ts";

const networks = fc
  .tuple(fc.integer({ min: 12, max: 18 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }))
  .map(([prefix, address]) => ({ prefix, base: address - (address % size(prefix)) }));

describe("the ranges of Google Cloud's network", () => {
  const property = (check: (ranges: ReturnType<typeof rangesOf>, network: string) => void) =>
    fc.assert(fc.property(networks, (network) => check(rangesOf(formatCidr(network)), formatCidr(network))));

  it("lie in the network and do not overlap", () => {
    property((ranges, network) => {
      const all = Object.values(ranges).map(parseCidr);
      for (const one of all) {
        assert.ok(contains(parseCidr(network), one));
        assert.equal(all.filter((other) => overlap(one, other)).length, 1);
      }
    });
  });

  it("have room for a node of each pod of the largest profile, and for as many nodes again while they are upgraded", () => {
    const pods = workloadSizes.large.api.max + workloadSizes.large.replicator.max;
    property(({ pods: range, nodes }) => {
      const nodesOfPods = size(parseCidr(range).prefix) / size(26);
      assert.ok(nodesOfPods >= 1.5 * pods, `${range} has room for ${nodesOfPods} nodes`);
      assert.ok(size(parseCidr(nodes).prefix) - 4 >= nodesOfPods, "each node has an address of its own");
    });
  });

  it("are such as GKE and Memorystore accept", () => {
    property(({ pods, services, endpoints }) => {
      assert.ok(parseCidr(pods).prefix >= 9, "GKE takes at most a /9 of pods");
      assert.ok(parseCidr(services).prefix >= 16 && parseCidr(services).prefix <= 27, "and a /16 to /27 of services");
      assert.ok(parseCidr(endpoints).prefix <= 29, "Memorystore wants a /29 for its endpoints");
    });
  });
});
