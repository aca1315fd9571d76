/** A cloud of its own: the unit that can be lost as a whole, and the origin of writes. */
export const clouds = ["aws", "gcp", "azure"] as const;
export type Cloud = (typeof clouds)[number];

/** What runs of the service, each with an identity of its own that may do no more than it needs. */
export const components = ["api", "replicator", "migration"] as const;
export type Component = (typeof components)[number];

/** Kubernetes namespace of the workload. */
export const workloadNamespace = "skykv";

/** Kubernetes namespace of database, cache and queue, where they run in the cluster. */
export const dataNamespace = "skykv-data";

/** The Kubernetes ServiceAccount of a component, which cloud identities are bound to before it exists. */
export function serviceAccount(component: Component): string {
  return `skykv-${component}`;
}

/** Ports of the service inside of the cluster. */
export const ports = { api: 8443, peers: 8444, metrics: 9090 } as const;

/** Host name of one cloud's API: known from the configuration, so before the cloud exists. */
export function endpointHost(cloud: Cloud, domain: string): string {
  return `${cloud}.${domain}`;
}

/** Host name at which the other clouds reach one cloud. */
export function peersHost(cloud: Cloud, domain: string): string {
  return `${cloud}-peers.${domain}`;
}

/** The URL of one cloud's peers' port. */
export function peersUrl(cloud: Cloud, domain: string): string {
  return `https://${peersHost(cloud, domain)}:${ports.peers}`;
}
