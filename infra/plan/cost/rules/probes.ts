/** What the edge's probes of a cloud bring about. */
import type { Bill } from "../bill.ts";
import { listAt, numberAt } from "../inputs.ts";
import { hours } from "../traffic.ts";

/** Each region asks from so many data centres (Cloudflare's documentation, "Health details"). */
const centres = 3;
/** Of one answer with the certificates before it: each probe begins a connection of TLS. */
const bytes = 5_000;

/** GB a month that leave the cloud as answers to probes. */
export function probesGb(of: Bill["of"]): number {
  const [pool] = of("cloudflare:index/loadBalancerPool:LoadBalancerPool");
  const [monitor] = of("cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor");
  if (pool === undefined || monitor === undefined) return 0;
  const probes = ((hours * 3600) / numberAt(monitor, "interval", 60)) * listAt(pool, "checkRegions").length * centres;
  return (probes * bytes) / 1e9;
}
