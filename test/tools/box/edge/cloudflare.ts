/**
 * Cloudflare's load balancer as its documentation describes it, as a model for tests: pools of one endpoint each, pools
 * by region, a fallback pool, and zero-downtime failover across pools. Written from the documentation, not from the edge.
 */

export type Pool = { readonly name: string; readonly isHealthy: boolean; readonly isReachable: boolean };

export type LoadBalancer = {
  readonly steeringPolicy: "geo" | "off";
  readonly defaultPools: readonly Pool[];
  readonly regionPools: Readonly<Record<string, readonly Pool[]>>;
  readonly fallbackPool: Pool;
};

/** Names of the pools that a request is sent to, in order: the last one answers or fails it. */
export function serve(balancer: LoadBalancer, region: string): string[] {
  const pools = balancer.steeringPolicy === "geo" ? balancer.regionPools[region]! : balancer.defaultPools;
  const first = firstHealthy(pools, 0);
  // No pool is healthy: the fallback pool takes it, in whatever state it is, and there is nothing to fail over to.
  if (first === -1) return [balancer.fallbackPool.name];
  const asked = [pools[first]!.name];
  if (pools[first]!.isReachable) return asked;
  // One retry: in the next healthy pool of the same list, else in the fallback pool.
  const next = firstHealthy(pools, first + 1);
  const other = next === -1 ? balancer.fallbackPool : pools[next]!;
  if (other !== pools[first]) asked.push(other.name);
  return asked;
}

function firstHealthy(pools: readonly Pool[], from: number): number {
  for (let i = from; i < pools.length; i++) if (pools[i]!.isHealthy) return i;
  return -1;
}

/**
 * An endpoint's health after probes with these results: the last threshold that was reached decides. While none was, it
 * is not known, which counts as unhealthy.
 */
export function isHealthy(passes: readonly boolean[], consecutiveUp: number, consecutiveDown: number): boolean {
  for (let end = passes.length; end > 0; end--) {
    const streak = (length: number, passed: boolean) =>
      end >= length && passes.slice(end - length, end).every((pass) => pass === passed);
    if (streak(consecutiveUp, true)) return true;
    if (streak(consecutiveDown, false)) return false;
  }
  return false;
}
