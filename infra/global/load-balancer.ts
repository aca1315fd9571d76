import * as pulumi from "@pulumi/pulumi";
import type { GlobalConfig } from "../config/global.ts";
import { steer } from "../edge/steering.ts";
import { cloudflare } from "../sdk/cloudflare.cjs";
import { membersOf, type Pools, poolsOf } from "./members.ts";

export type EdgeLoadBalancerArgs = {
  readonly config: GlobalConfig;
  readonly pools: Pools;
};

/** What answers at the store's own name: leads each request to a cloud. */
export class EdgeLoadBalancer extends pulumi.ComponentResource {
  constructor(name: string, { config, pools }: EdgeLoadBalancerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:global:EdgeLoadBalancer", name, {}, opts);
    const steering = steer(config.steering.policy, membersOf(config));

    new cloudflare.LoadBalancer(
      name,
      {
        zoneId: config.cloudflare.zoneId,
        name: config.domain,
        description: `SkyKV at ${config.domain}`,
        enabled: true,
        proxied: true,
        ...poolsOf(steering, pools),
        // A request that a cloud refuses is tried once in the next one of its region's order, not only within the pool.
        adaptiveRouting: { failoverAcrossPools: true },
        // Any cloud can answer any request: sessions carry what they have seen.
        sessionAffinity: "none",
        locationStrategy: { mode: "pop", preferEcs: "proximity" },
      },
      {
        parent: this,
        // Not set, as these can only be empty; the provider shows what the API fills in as changes in every preview.
        ignoreChanges: ["countryPools", "popPools", "sessionAffinityAttributes"],
      },
    );
    this.registerOutputs({});
  }
}
