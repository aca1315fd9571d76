import * as pulumi from "@pulumi/pulumi";
import { changesInPlace } from "../kubernetes.ts";
import { gcp } from "../sdk/gcp.cjs";
import { k8s } from "../sdk/k8s.cjs";
import { clusterArgs, kubeconfig, nodePoolArgs } from "./cluster-args.ts";
import { type EntityArgs, longestAccountId } from "./entity.ts";
import type { Network } from "./network.ts";
import type { Registry } from "./registry.ts";

export type ClusterArgs = EntityArgs & { readonly network: Network; readonly registry: Registry };

/** A regional cluster with private nodes: Autopilot, or pools of nodes of a size that the configuration sets. */
export class Cluster extends pulumi.ComponentResource {
  readonly kubernetes: k8s.Provider;
  readonly oidcIssuer: pulumi.Output<string>;
  /** What pods and the rights of their ServiceAccounts wait for. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: ClusterArgs, opts: pulumi.ComponentResourceOptions) {
    super("skykv:gcp:Cluster", name, {}, opts);
    const { config, network, protect } = args;
    const key = args.keys.of("cluster");
    const nodes = nodeAccount(args, this);
    const cluster = new gcp.container.Cluster(
      "cluster",
      clusterArgs({ ...args, place: network.place, keyId: key.id, nodeAccount: nodes.email }),
      {
        parent: this,
        protect,
        // GKE fills these in, and then a program that has not changed would replace the cluster or its pools.
        ignoreChanges: ["nodeConfig", "dnsConfig", "nodeVersion", "initialNodeCount"],
        // The agents use the key while the cluster is made; nodes cannot pull without their rights, or without a way out.
        dependsOn: [...args.services.of("container"), ...key.grants, ...nodes.rights, ...network.place.egress],
      },
    );
    const pools = config.cluster.mode === "automatic" ? [] : [nodePool(args, cluster, nodes.email, this)];
    const access = pulumi
      .all([cluster.controlPlaneEndpointsConfig, cluster.endpoint, cluster.masterAuth])
      .apply(([endpoints, address, auth]) =>
        config.cluster.endpoint.dns
          ? kubeconfig({ server: endpoints.dnsEndpointConfig.endpoint })
          : kubeconfig({ server: address, certificate: auth.clusterCaCertificate }),
      );
    this.kubernetes = new k8s.Provider(
      "kubernetes",
      // Reached in another way it is still the same cluster: without the identifier all that is in it would be replaced.
      { kubeconfig: access, clusterIdentifier: cluster.id, ...changesInPlace },
      { parent: this },
    );
    this.oidcIssuer = pulumi.interpolate`https://container.googleapis.com/v1/${cluster.id}`;
    this.ready = [cluster, ...pools];
    this.registerOutputs({});
  }
}

/** Nodes write logs and metrics and pull our image, and nothing else: the default account is an editor of the project. */
function nodeAccount({ config, services, registry, nameOf }: ClusterArgs, parent: Cluster) {
  const { email, member } = new gcp.serviceaccount.Account(
    "nodes",
    { accountId: nameOf(longestAccountId, "nodes"), displayName: "Nodes of GKE" },
    { parent, dependsOn: services.of("iam") },
  );
  const rights = [
    new gcp.projects.IAMMember(
      "nodes",
      { project: config.project, role: "roles/container.defaultNodeServiceAccount", member },
      { parent, dependsOn: services.of("cloudresourcemanager") },
    ),
    registry.mayPull("nodes", member, parent),
  ];
  return { email, rights };
}

function nodePool(args: ClusterArgs, cluster: gcp.container.Cluster, email: pulumi.Output<string>, parent: Cluster) {
  return new gcp.container.NodePool(
    "nodes",
    { cluster: cluster.id, ...nodePoolArgs({ ...args, keyId: args.keys.of("cluster").id, nodeAccount: email }) },
    // The autoscaler changes it.
    { parent, ignoreChanges: ["initialNodeCount"] },
  );
}
