import * as pulumi from "@pulumi/pulumi";
import type { AwsConfig } from "../config/aws.ts";
import { aws } from "../sdk/aws.cjs";
import { clusterRights } from "./cluster-rights.ts";
import type { EntityArgs } from "./entity.ts";
import { document, trust } from "./policy.ts";

export type ClusterRolesArgs = Pick<EntityArgs, "config" | "tags"> & {
  readonly clusterArn: string;
  readonly key: pulumi.Output<string>;
};

/** Who the control plane and the nodes are in AWS. Pods are somebody else: see `identity.ts`. */
export class ClusterRoles extends pulumi.ComponentResource {
  readonly cluster: aws.iam.Role;
  readonly node: aws.iam.Role;
  /** What the cluster cannot do without. */
  readonly rights: readonly pulumi.Resource[];

  constructor(name: string, args: ClusterRolesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:ClusterRoles", name, {}, opts);
    const { config, clusterArn, tags } = args;
    const parent = { parent: this };
    const role = (word: string, description: string, assumeRolePolicy: string, policies: readonly string[]) => {
      const role = new aws.iam.Role(word, { description, assumeRolePolicy, tags }, parent);
      const attachments = policies.map((policy) => {
        const policyArn = `arn:aws:iam::aws:policy/${policy}`;
        return new aws.iam.RolePolicyAttachment(`${word}-${policy}`, { role: role.name, policyArn }, parent);
      });
      return { role, attachments };
    };

    const ofThisCluster = {
      StringEquals: { "aws:SourceAccount": config.accountId },
      ArnEquals: { "aws:SourceArn": clusterArn },
    };
    const cluster = role(
      "cluster",
      "The control plane of the cluster",
      // Auto Mode tags what it makes for a cluster, by the tags of its session.
      trust("eks.amazonaws.com", ["sts:AssumeRole", "sts:TagSession"], ofThisCluster),
      clusterPolicies[config.cluster.mode],
    );
    const policy = args.key.apply((keyArn) => document(clusterRights(config.cluster.mode, keyArn)));
    const rights = new aws.iam.RolePolicy("cluster", { role: cluster.role.name, policy }, parent);
    const node = role(
      "node",
      "The nodes of the cluster",
      trust("ec2.amazonaws.com", ["sts:AssumeRole"]),
      nodePolicies[config.cluster.mode],
    );
    this.cluster = cluster.role;
    this.node = node.role;
    this.rights = [...cluster.attachments, rights, ...node.attachments];
    this.registerOutputs({});
  }
}

type Policies = Readonly<Record<AwsConfig["cluster"]["mode"], readonly string[]>>;

const clusterPolicies: Policies = {
  automatic: [
    "AmazonEKSClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
  ],
  "managed-nodes": ["AmazonEKSClusterPolicy"],
};

/** A node may join and fetch images; outside of Auto Mode it must also look up what it is called. */
const nodePolicies: Policies = {
  automatic: ["AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly"],
  "managed-nodes": ["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"],
};
