/** What Cloudflare is told of one cloud: pure, with every field set, as the provider shows those left out as changes. */
import type { CloudConfig } from "../config/config.ts";
import { type Cloud, endpointHost } from "../names.ts";
import type { LoadBalancer } from "../platform.ts";
import { planLimits } from "./plans.ts";
import type { Probe } from "./steering.ts";

export type Addresses = LoadBalancer["addresses"];

/** One record for each address, by logical name. Not proxied: peers speak to them directly, and the edge by address. */
export function addressRecords(prefix: string, host: string, balancer: LoadBalancer | null) {
  return Object.entries(balancer?.addresses ?? {}).map(
    ([word, content]) =>
      [`${prefix}-${word}`, { name: host, type: "A", content, ttl: 60, proxied: false, comment: "SkyKV" }] as const,
  );
}

/** How the cloud of this configuration is probed; the interval is the shortest of the plan's where none is given. */
export function probeOf({ probe, cloudflare: { plan } }: Pick<CloudConfig, "probe" | "cloudflare">): Probe {
  return { ...probe, path: "/ready", interval: probe.interval ?? planLimits[plan].probeInterval };
}

export function monitorOf(host: string, probe: Probe) {
  const { path, interval, timeout, retries, consecutiveDown, consecutiveUp } = probe;
  return {
    ...{ type: "https", method: "GET", path, port: 443, header: { Host: [host] } },
    ...{ expectedCodes: "200", expectedBody: "", followRedirects: false, allowInsecure: false },
    ...{ interval, timeout, retries, consecutiveDown, consecutiveUp },
    description: `SkyKV at ${host}`,
  };
}

export function poolOf(cloud: Cloud, domain: string, addresses: Addresses) {
  const host = endpointHost(cloud, domain);
  return {
    name: poolName(cloud, domain),
    description: `SkyKV at ${host}`,
    enabled: true,
    minimumOrigins: 1,
    originSteering: { policy: "random" },
    loadShedding: { defaultPercent: 0, defaultPolicy: "random", sessionPercent: 0, sessionPolicy: "hash" },
    // The API returns them by name; another order here would be a change in every preview.
    origins: Object.keys(addresses)
      .toSorted()
      .map((word) => ({
        name: `${cloud}-${word}`,
        address: addresses[word]!,
        enabled: true,
        weight: 1,
        port: 443,
        // Also what a tunnel knows the request by.
        header: { hosts: [host] },
      })),
  };
}

/**
 * The API accepts letters, digits, hyphens and underscores. Unique in an account, as host names are: they hold no
 * underscores, so two names never become one.
 */
export function poolName(cloud: Cloud, domain: string): string {
  return endpointHost(cloud, domain).replaceAll(".", "_");
}
