import * as pulumi from "@pulumi/pulumi";
import type { CloudConfig } from "../config/config.ts";
import { endpointHost, peersHost } from "../names.ts";
import type { Ingress } from "../platform.ts";
import { cloudflare } from "../sdk/cloudflare.cjs";
import { locationOf } from "./locations.ts";
import { type Addresses, addressRecords, monitorOf, poolOf, probeOf } from "./pool.ts";
import type { Tunnel } from "./tunnel.ts";

export type EndpointArgs = {
  readonly config: CloudConfig;
  readonly ingress: Ingress;
  /** Null with a public load balancer. */
  readonly tunnel: Tunnel | null;
};

/** One cloud's place at the edge: its name records, its probe, its pool of endpoints. */
export class Endpoint extends pulumi.ComponentResource {
  readonly poolId: pulumi.Output<string>;

  constructor(name: string, { config, ingress, tunnel }: EndpointArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:edge:Endpoint", name, {}, opts);
    const parent = { parent: this };
    const { kind: cloud, domain } = config;
    const { accountId, zoneId, zone } = config.cloudflare;
    const host = endpointHost(cloud, domain);

    for (const [word, record] of addressRecords("api", host, ingress.api)) {
      new cloudflare.DnsRecord(word, { zoneId, ...record }, parent);
    }
    for (const [word, record] of addressRecords("peers", peersHost(cloud, domain), ingress.peers)) {
      new cloudflare.DnsRecord(word, { zoneId, ...record }, parent);
    }

    // As requests of the zone, so with the certificate that it shows to the clouds: without it all probes would fail.
    const monitor = new cloudflare.LoadBalancerMonitor(
      "ready",
      { accountId, ...monitorOf(host, probeOf(config)), probeZone: zone },
      parent,
    );
    // Never `deleteBeforeReplace`: a pool that a load balancer refers to cannot be deleted.
    const pool = new cloudflare.LoadBalancerPool(
      cloud,
      {
        accountId,
        ...poolOf(cloud, domain, addressesOf(ingress, tunnel)),
        ...locationOf(cloud, config.region, config.location),
        checkRegions: config.probe.regions.toSorted(),
        monitor: monitor.id,
      },
      parent,
    );

    this.poolId = pool.id;
    this.registerOutputs({ poolId: this.poolId });
  }
}

/** By a stable word: where the edge connects to. */
function addressesOf(ingress: Ingress, tunnel: Tunnel | null): Addresses {
  return tunnel === null ? (ingress.api?.addresses ?? {}) : { tunnel: tunnel.address };
}
