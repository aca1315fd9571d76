import * as pulumi from "@pulumi/pulumi";
import { aws } from "../sdk/aws.cjs";
import { k8s } from "../sdk/k8s.cjs";
import { labelsOf } from "../workload/labels.ts";
import { nodeClassSpec, nodePoolSpec } from "./node-pool-settings.ts";
import type { NodesArgs } from "./nodes.ts";

/**
 * The nodes of Auto Mode, under our key and with our tags, which the pools that EKS brings take neither of. Those are not
 * there at all: pods would go to them as well.
 */
export class NodePool extends pulumi.ComponentResource {
  readonly ready: pulumi.Resource;

  constructor(name: string, args: NodesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:NodePool", name, {}, opts);
    const { cluster, keys, kubernetes, network, role, tags } = args;
    const parent = { parent: this };
    const inside = { ...parent, provider: kubernetes };
    // For its own pools EKS does this itself.
    const who = { clusterName: cluster.name, principalArn: role.arn };
    const entry = new aws.eks.AccessEntry(name, { ...who, type: "EC2", tags }, parent);
    const joins = new aws.eks.AccessPolicyAssociation(
      name,
      {
        ...who,
        policyArn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAutoNodePolicy",
        accessScope: { type: "cluster" },
      },
      { ...parent, dependsOn: [entry] },
    );

    const metadata = { name: "skykv", labels: labelsOf(tags) };
    const nodeClass = new k8s.apiextensions.CustomResource(
      `${name}-class`,
      {
        apiVersion: "eks.amazonaws.com/v1",
        kind: "NodeClass",
        metadata,
        spec: nodeClassSpec({
          role: role.name,
          keyArn: keys.cluster,
          subnetIds: Object.values(network.privateSubnets),
          securityGroupId: cluster.vpcConfig.clusterSecurityGroupId,
          tags,
        }),
      },
      inside,
    );
    this.ready = new k8s.apiextensions.CustomResource(
      name,
      { apiVersion: "karpenter.sh/v1", kind: "NodePool", metadata, spec: nodePoolSpec(nodeClass.metadata.name) },
      // A node that may not join, or cannot fetch images, is given up after a while. The pool also goes before these: it
      // is not gone before its nodes are.
      { ...inside, dependsOn: [joins, nodeClass, ...network.ready] },
    );
    this.registerOutputs({});
  }
}
