import assert from "node:assert/strict";
import fc from "fast-check";
import { locations } from "../../../../infra/edge/locations.ts";
import { type Member, type Region, regions, steer } from "../../../../infra/edge/steering.ts";
import { type Cloud, clouds } from "../../../../infra/names.ts";
import { route } from "../../../../tools/box/edge/route.ts";
import { type LoadBalancer, type Pool, serve } from "./cloudflare.ts";

const allRegions = Object.keys(regions) as Region[];
const policies = ["geo", "off"] as const;

const places = fc.constantFrom(...clouds.flatMap((cloud) => Object.values(locations[cloud])));
const member = (cloud: Cloud) =>
  fc.record({ cloud: fc.constant(cloud), state: fc.constantFrom("active", "drained"), location: places });
/** Any clouds in any order of preference, at least one of them active. */
const members: fc.Arbitrary<Member[]> = fc
  .shuffledSubarray([...clouds], { minLength: 1 })
  .chain((chosen) => fc.tuple(...chosen.map(member)) as fc.Arbitrary<Member[]>)
  .filter((chosen) => chosen.some(({ state }) => state === "active"));

/** Every way in which some of the clouds can have a property. */
const subsets = (all: readonly Cloud[]): Set<Cloud>[] =>
  Array.from({ length: 2 ** all.length }, (_, bits) => new Set(all.filter((_, i) => bits & (1 << i))));

/** Cloudflare's load balancer, made from the definition as the Cloudflare program makes it. */
function balancerOf(policy: "geo" | "off", chosen: Member[], up: Set<Cloud>, reachable: Set<Cloud>): LoadBalancer {
  const steering = steer(policy, chosen);
  const pools = new Map<Cloud, Pool>(
    steering.order.map((cloud) => [
      cloud,
      { name: cloud, isHealthy: up.has(cloud), isReachable: reachable.has(cloud) },
    ]),
  );
  const poolsOf = (names: readonly Cloud[]) => names.map((name) => pools.get(name)!);
  return {
    steeringPolicy: policy,
    defaultPools: poolsOf(steering.order),
    regionPools: Object.fromEntries(allRegions.map((region) => [region, poolsOf(steering.regions[region])])),
    fallbackPool: pools.get(steering.fallback)!,
  };
}

describe("the edge's choice of clouds", () => {
  it("asks the same clouds in the same order as Cloudflare, for all regions, subsets and states of health", () => {
    fc.assert(
      fc.property(members, (chosen) => {
        for (const policy of policies) {
          const steering = steer(policy, chosen);
          for (const up of subsets(clouds)) {
            for (const reachable of subsets(clouds)) {
              const balancer = balancerOf(policy, chosen, up, reachable);
              for (const region of allRegions) {
                const may = route(steering, region, (cloud) => up.has(cloud));
                const asked = reachable.has(may[0]!) ? may.slice(0, 1) : may;
                assert.deepEqual(asked, serve(balancer, region), `${policy} ${region} up: ${[...up]}`);
              }
            }
          }
        }
      }),
    );
  });

  it("never sends anything to a drained cloud", () => {
    fc.assert(
      fc.property(members, fc.constantFrom(...policies), fc.constantFrom(...allRegions), (chosen, policy, region) => {
        const drained = chosen.filter(({ state }) => state === "drained").map(({ cloud }) => cloud);
        for (const up of subsets(clouds)) {
          const asked = route(steer(policy, chosen), region, (cloud) => up.has(cloud));
          assert.ok(asked.length > 0);
          for (const cloud of drained) assert.ok(!asked.includes(cloud));
        }
      }),
    );
  });
});
