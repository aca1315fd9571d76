import * as pulumi from "@pulumi/pulumi";
import { type Component, components, dataNamespace, ports } from "../names.ts";
import type { WorkloadPlatform } from "../platform.ts";
import { k8s } from "../sdk/k8s.cjs";
import type { Tags } from "../tags.ts";
import { apiPort, type EnvironmentArgs } from "./environment.ts";
import { labelsOf, selectorOf } from "./labels.ts";
import {
  blocks,
  dns,
  type Egress,
  hosts,
  https,
  type Ingress,
  identityTokens,
  inNamespaces,
  type Peer,
  type Port,
  privateRanges,
  type Ranges,
  tcp,
  toAnyone,
} from "./traffic.ts";

export type PoliciesArgs = {
  readonly platform: WorkloadPlatform;
  readonly tls: EnvironmentArgs["tls"];
  /** Cloudflare's, of IPv4. */
  readonly edgeRanges: Ranges;
  readonly peerAddresses: Ranges;
};

export type NetworkPoliciesArgs = PoliciesArgs & { readonly namespace: pulumi.Input<string>; readonly tags: Tags };

/** Who talks to whom. All else is denied by the namespace. */
export class NetworkPolicies extends pulumi.ComponentResource {
  constructor(name: string, args: NetworkPoliciesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:workload:NetworkPolicies", name, {}, opts);
    for (const [word, spec] of Object.entries(policies(args))) {
      new k8s.networking.v1.NetworkPolicy(
        `${name}-${word}`,
        { metadata: { name: word, namespace: args.namespace, labels: labelsOf(args.tags) }, spec },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}

type Spec = k8s.types.input.networking.v1.NetworkPolicySpec;

/** Where metrics are read from: the usual namespace of a Prometheus, and where clouds run theirs. */
const metricsReaders = ["monitoring", "kube-system", "gmp-system"] as const;

export function policies(args: PoliciesArgs): Readonly<Record<string, Spec>> {
  const { platform, tls } = args;
  const cloud = platform.cloud !== "local";
  return {
    dns: egress(components, dns),
    database: egress(components, { to: servers(platform), ports: tcp(platform.database.port) }),
    cache: egress(["api", "replicator"], { to: servers(platform), ports: cachePorts(platform) }),
    ...(queuePorts(platform).length > 0 && {
      queue: egress(["api", "replicator"], { to: servers(platform), ports: queuePorts(platform) }),
    }),
    ...(cloud && { cloud: egress(components, https, ...identityTokens(platform.cloud)) }),
    clients: ingress(["api"], { from: clients(args), ports: tcp(apiPort(tls)) }),
    ...(tls !== null && {
      "to-peers": egress(["api", "replicator"], toAnyone(...tcp(ports.peers))),
      "from-peers": ingress(["api"], {
        from: pulumi.output(args.peerAddresses).apply((known) => blocks([...hosts(known), ...balancers(known)])),
        ports: tcp(ports.peers),
      }),
    }),
    // Probes come from the pod's own node, which plugins for networks let pass.
    metrics: ingress(["api", "replicator"], { from: inNamespaces(...metricsReaders), ports: tcp(ports.metrics) }),
    ...(tls === "tunnel" && connector),
  };
}

/** Port 7844 is where cloudflared keeps its connections to the edge; over HTTPS it asks for its configuration. */
const connector: Readonly<Record<string, Spec>> = {
  "connector-out": {
    podSelector: { matchLabels: selectorOf("connector") },
    policyTypes: ["Egress"],
    egress: [
      dns,
      https,
      toAnyone({ port: 7844, protocol: "TCP" }, { port: 7844, protocol: "UDP" }),
      { to: [{ podSelector: { matchLabels: selectorOf("api") } }], ports: tcp(ports.api) },
    ],
  },
};

/** Some load balancers show the client's address, some their own, which is a private one; all probe from there. */
function clients({ tls, edgeRanges }: PoliciesArgs): pulumi.Input<Peer[]> {
  switch (tls) {
    case "edge":
      return pulumi.output(edgeRanges).apply((ranges) => blocks([...ranges, ...privateRanges]));
    case "tunnel":
      return [{ podSelector: { matchLabels: selectorOf("connector") } }];
    case null:
      // In a cluster of one's own: who may come in is up to what one puts in front.
      return [{ namespaceSelector: {} }, ...blocks(privateRanges)];
  }
}

/** Nobody at all while no peer is known, not even a load balancer. */
function balancers(known: readonly string[]): readonly string[] {
  return known.length === 0 ? [] : privateRanges;
}

/** Database, cache and queue have private addresses, and names: a policy cannot say more of them. */
function servers({ cloud }: WorkloadPlatform): Peer[] {
  return cloud === "local" ? inNamespaces(dataNamespace) : blocks(privateRanges);
}

/**
 * Clients of a cluster also talk to its nodes: Memorystore gives them ports 11000-13047 of one address, Azure Managed Redis
 * 8500-8599, ElastiCache the same port at addresses of their own.
 */
function cachePorts({ cloud, cache }: WorkloadPlatform): Port[] {
  const own = tcp(cache.port);
  if (!cache.cluster) return own;
  if (cloud === "gcp") return [...own, { port: 11000, endPort: 13047, protocol: "TCP" }];
  if (cloud === "azure") return [...own, { port: 8500, endPort: 8599, protocol: "TCP" }];
  return own;
}

/** Those that are not asked over HTTPS. 5671: AMQP with TLS. */
function queuePorts({ queue }: WorkloadPlatform): Port[] {
  if (queue.kind === "rabbitmq") return tcp(queue.port);
  return queue.kind === "servicebus" ? tcp(5671) : [];
}

function egress(who: readonly Component[], ...rules: readonly Egress[]): Spec {
  return { podSelector: podsOf(who), policyTypes: ["Egress"], egress: [...rules] };
}

function ingress(who: readonly Component[], ...rules: readonly Ingress[]): Spec {
  return { podSelector: podsOf(who), policyTypes: ["Ingress"], ingress: [...rules] };
}

function podsOf(who: readonly Component[]) {
  return {
    matchLabels: selectorOf(),
    matchExpressions: [{ key: "app.kubernetes.io/component", operator: "In", values: [...who] }],
  };
}
