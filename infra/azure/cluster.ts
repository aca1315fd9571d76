import * as pulumi from "@pulumi/pulumi";
import { changesInPlace } from "../kubernetes.ts";
import { azure } from "../sdk/azure.cjs";
import { k8s } from "../sdk/k8s.cjs";
import { report } from "./audit.ts";
import { ClusterIdentity } from "./cluster-identity.ts";
import { workloadNodes } from "./cluster-nodes.ts";
import { clusterProfile, drifts } from "./cluster-profile.ts";
import { DiskEncryption } from "./disk-encryption.ts";
import type { EntityArgs } from "./entity.ts";
import { kubeconfig } from "./kubeconfig.ts";
import { located } from "./place.ts";
import { grant } from "./roles.ts";

/** AKS: Automatic, or with pools of nodes of ours. Nobody logs in but by Entra. */
export class Cluster extends pulumi.ComponentResource {
  readonly kubernetes: k8s.Provider;
  readonly oidcIssuer: pulumi.Output<string>;
  /** Object id of the control plane. */
  readonly principalId: pulumi.Output<string>;
  /** Object id as which nodes pull images. */
  readonly kubeletId: pulumi.Output<string>;

  constructor(name: string, args: EntityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:Cluster", name, {}, opts);
    const { config, place, network, keys } = args;
    const { workspaceId, protect } = place;
    const identity = new ClusterIdentity(name, { place, network, key: keys.for.cluster }, { parent: this });
    const { principalId } = identity;
    const disks = new DiskEncryption("disks", { place, key: keys.for.disks, cluster: principalId }, { parent: this });
    const cluster = new azure.containerservice.ManagedCluster(
      name,
      {
        ...located(place),
        ...clusterProfile(config, { network, identityId: identity.id, disksId: disks.id, key: keys.for.cluster }),
      },
      {
        parent: this,
        protect,
        dependsOn: [identity, disks],
        ignoreChanges: [...drifts[config.cluster.mode]],
      },
    );
    if (config.cluster.mode === "managed-nodes") workloadNodes(cluster, args, { parent: this });
    const administrators = administratorsOf(cluster, args, { parent: this });
    report(name, { target: cluster.id, workspaceId, logs: auditLogs, metrics: true }, { parent: this });

    this.principalId = principalId;
    this.kubeletId = cluster.identityProfile.apply((profile) => profile!.kubeletidentity!.objectId!);
    this.oidcIssuer = cluster.oidcIssuerProfile.apply((profile) => profile!.issuerURL);
    this.kubernetes = new k8s.Provider(
      name,
      { kubeconfig: kubeconfigOf(cluster, place.group.name, { parent: this }), ...changesInPlace },
      { parent: this, dependsOn: [administrators] },
    );
    this.registerOutputs({ oidcIssuer: this.oidcIssuer });
  }
}

/** Who did what. `kube-audit` has every read besides, which is most of the bill. */
const auditLogs = ["kube-audit-admin", "guard", "cluster-autoscaler"];

function administratorsOf(
  cluster: azure.containerservice.ManagedCluster,
  { config, place }: EntityArgs,
  opts: pulumi.CustomResourceOptions,
) {
  const { administratorsGroupId: principalId } = config.cluster;
  const { subscriptionId } = place;
  return grant(
    "cluster-administrators",
    { subscriptionId, role: "clusterAdmin", scope: cluster.id, principalId, principalType: "Group" },
    opts,
  );
}

function kubeconfigOf(
  cluster: azure.containerservice.ManagedCluster,
  resourceGroupName: pulumi.Output<string>,
  opts: pulumi.InvokeOptions,
) {
  const at = { resourceGroupName, resourceName: cluster.name };
  const { kubeconfigs } = azure.containerservice.listManagedClusterUserCredentialsOutput(at, opts);
  return kubeconfigs.apply((all) => kubeconfig(all[0]!.value));
}
