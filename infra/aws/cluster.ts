import * as pulumi from "@pulumi/pulumi";
import { changesInPlace } from "../kubernetes.ts";
import { aws } from "../sdk/aws.cjs";
import { k8s } from "../sdk/k8s.cjs";
import { Administrators } from "./administrators.ts";
import { ClusterRoles } from "./cluster-roles.ts";
import { clusterSettings, endpointSettings, nodeSettings } from "./cluster-settings.ts";
import type { EntityArgs } from "./entity.ts";
import { kubeconfig } from "./kubeconfig.ts";
import { stackName } from "./names.ts";
import type { Network } from "./network.ts";
import { Nodes } from "./nodes.ts";

export type ClusterArgs = EntityArgs & {
  readonly network: Network;
  readonly keys: { readonly cluster: pulumi.Output<string>; readonly logs: pulumi.Output<string> };
};

/** EKS. AWS runs the nodes (Auto Mode), or there are node groups of a size that the configuration sets. */
export class Cluster extends pulumi.ComponentResource {
  readonly name: string;
  /** Known before the cluster exists, so that policies can name it. */
  readonly arn: string;
  /** Of nodes and pods. */
  readonly securityGroupId: pulumi.Output<string>;
  readonly oidcIssuer: pulumi.Output<string>;
  readonly kubernetes: k8s.Provider;
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: ClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:Cluster", name, {}, opts);
    const { config, keys, network, protect, tags } = args;
    const { accountId, region } = config;
    const parent = { parent: this };
    this.name = stackName(100);
    this.arn = `arn:aws:eks:${region}:${accountId}:cluster/${this.name}`;

    const roles = new ClusterRoles("roles", { config, tags, clusterArn: this.arn, key: keys.cluster }, parent);
    const logs = new aws.cloudwatch.LogGroup(
      name,
      { name: `/aws/eks/${this.name}/cluster`, kmsKeyId: keys.logs, retentionInDays: 90, tags },
      { ...parent, protect },
    );
    const cluster = new aws.eks.Cluster(
      name,
      {
        name: this.name,
        ...clusterSettings(config),
        ...nodeSettings(config, network.cidr),
        roleArn: roles.cluster.arn,
        vpcConfig: { ...endpointSettings(config), subnetIds: Object.values(network.privateSubnets) },
        encryptionConfig: { provider: { keyArn: keys.cluster }, resources: ["secrets"] },
        deletionProtection: protect,
        tags,
      },
      {
        ...parent,
        protect,
        // EKS would make the log group itself, without our key. Without its rights it could not even be deleted.
        dependsOn: [logs, ...roles.rights],
        // EKS takes subnets of the zones that it began with, and of no other.
        ignoreChanges: ["vpcConfig.subnetIds"],
      },
    );
    this.securityGroupId = cluster.vpcConfig.clusterSecurityGroupId;
    this.oidcIssuer = cluster.identities.apply((identities) => identities[0]!.oidcs![0]!.issuer!);

    new aws.vpc.SecurityGroupIngressRule(
      name,
      {
        securityGroupId: this.securityGroupId,
        description: "The API of Kubernetes, from inside of the network",
        cidrIpv4: network.cidr,
        ipProtocol: "tcp",
        fromPort: 443,
        toPort: 443,
        tags,
      },
      parent,
    );
    const administrators = new Administrators("administrators", { config, cluster, tags }, parent);
    const authority = cluster.certificateAuthority.data;
    this.kubernetes = new k8s.Provider(
      name,
      {
        kubeconfig: pulumi
          .all([cluster.endpoint, authority])
          .apply(([endpoint, authority]) => kubeconfig({ name: this.name, region, endpoint, authority })),
        ...changesInPlace,
      },
      // The deployer is nobody in the cluster before.
      { ...parent, dependsOn: [...administrators.entries] },
    );
    const nodes = new Nodes("nodes", { ...args, cluster, role: roles.node, kubernetes: this.kubernetes }, parent);
    this.ready = [...administrators.entries, ...nodes.ready];
    this.registerOutputs({ name: this.name, arn: this.arn });
  }
}
