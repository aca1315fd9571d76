/** Pieces of NetworkPolicies. */

import type * as pulumi from "@pulumi/pulumi";
import type { WorkloadPlatform } from "../platform.ts";
import type { k8s } from "../sdk/k8s.cjs";

export type Peer = k8s.types.input.networking.v1.NetworkPolicyPeer;
export type Port = k8s.types.input.networking.v1.NetworkPolicyPort;
export type Egress = k8s.types.input.networking.v1.NetworkPolicyEgressRule;
export type Ingress = k8s.types.input.networking.v1.NetworkPolicyIngressRule;

export type Ranges = pulumi.Input<readonly string[]>;

/** Networks of clouds lie in these; the last is for carriers, and Google Cloud's pods may be in it. */
export const privateRanges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"] as const;

const everywhere = ["0.0.0.0/0", "::/0"] as const;

/** An address that documentation is written with, and nobody has: an empty list of ranges would admit all. */
export const nobody = "192.0.2.0/32";

/** @returns the ranges of single addresses; of nobody where there is none */
export function hosts(addresses: readonly string[]): string[] {
  return addresses.length === 0 ? [nobody] : addresses.map((address) => `${address}/32`);
}

export function blocks(ranges: readonly string[]): Peer[] {
  return ranges.map((cidr) => ({ ipBlock: { cidr } }));
}

export function tcp(...ports: readonly number[]): Port[] {
  return ports.map((port) => ({ port, protocol: "TCP" }));
}

export function inNamespaces(...names: readonly string[]): Peer[] {
  return [
    {
      namespaceSelector: {
        matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "In", values: [...names] }],
      },
    },
  ];
}

/** To any server: each cloud has its own elsewhere, in pods, on the node, or at the address of its metadata. */
export const dns: Egress = {
  ports: [
    { port: 53, protocol: "UDP" },
    { port: 53, protocol: "TCP" },
  ],
};

/** APIs of clouds: names with addresses that change. */
export const https: Egress = { to: blocks(everywhere), ports: tcp(443) };

export function toAnyone(...ports: readonly Port[]): Egress {
  return { to: blocks(everywhere), ports: [...ports] };
}

/**
 * Where a pod gets the tokens of its identity: EKS Pod Identity at the node's agent, Google Cloud at the metadata server (988 is
 * where GKE's own answers on older data planes). Azure's come over HTTPS.
 */
export function identityTokens(cloud: WorkloadPlatform["cloud"]): Egress[] {
  switch (cloud) {
    case "aws":
      return [{ to: blocks(["169.254.170.23/32"]), ports: tcp(80) }];
    case "gcp":
      return [
        { to: blocks(["169.254.169.254/32"]), ports: tcp(80, 988) },
        { to: blocks(["169.254.169.252/32"]), ports: tcp(988) },
      ];
    case "azure":
    case "local":
      return [];
  }
}
