/** Who stands behind the edge, and how Cloudflare is told. Pure. */
import type { Input } from "@pulumi/pulumi";
import type { GlobalConfig } from "../config/global.ts";
import { locationOf } from "../edge/locations.ts";
import type { Member, Steering } from "../edge/steering.ts";
import type { Cloud } from "../names.ts";

/** Ids of the pools of the clouds that the configuration names. */
export type Pools = Readonly<Partial<Record<Cloud, Input<string>>>>;

/** The clouds behind the edge, most preferred first, whatever order the configuration has them in. */
export function membersOf({ clouds, steering }: Pick<GlobalConfig, "clouds" | "steering">): Member[] {
  return steering.preference.flatMap((cloud) => {
    const member = clouds[cloud];
    if (member === undefined) return [];
    return [{ cloud, state: member.state, location: locationOf(cloud, member.region, member.location) }];
  });
}

/** Steering in Cloudflare's terms. */
export function poolsOf(steering: Steering, pools: Pools) {
  const ids = (order: readonly Cloud[]) => order.map((cloud) => pools[cloud]!);
  return {
    steeringPolicy: steering.policy,
    defaultPools: ids(steering.order),
    fallbackPool: pools[steering.fallback]!,
    regionPools: Object.fromEntries(Object.entries(steering.regions).map(([region, order]) => [region, ids(order)])),
  };
}
