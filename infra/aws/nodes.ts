import * as pulumi from "@pulumi/pulumi";
import { aws } from "../sdk/aws.cjs";
import { k8s } from "../sdk/k8s.cjs";
import { labelsOf } from "../workload/labels.ts";
import type { EntityArgs } from "./entity.ts";
import { podTrust } from "./identity-trust.ts";
import type { Network } from "./network.ts";
import { NodeGroups } from "./node-groups.ts";
import { NodePool } from "./node-pool.ts";

export type NodesArgs = EntityArgs & {
  readonly network: Network;
  readonly keys: { readonly cluster: pulumi.Output<string> };
  readonly cluster: aws.eks.Cluster;
  readonly role: aws.iam.Role;
  readonly kubernetes: k8s.Provider;
};

/** What a bare cluster lacks until it can run pods and hold their NetworkPolicies. */
export class Nodes extends pulumi.ComponentResource {
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: NodesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:Nodes", name, {}, opts);
    const { cluster, config, kubernetes, tags } = args;
    const addon = (addonName: string, settings: Partial<aws.eks.AddonArgs>, dependsOn: readonly pulumi.Resource[]) =>
      new aws.eks.Addon(
        addonName,
        { clusterName: cluster.name, addonName, resolveConflictsOnUpdate: "OVERWRITE", ...settings, tags },
        { parent: this, dependsOn: [...dependsOn] },
      );

    if (config.cluster.mode === "automatic") {
      // Auto Mode has the rest built in, but enforces no NetworkPolicy before it is told to.
      const policies = new k8s.core.v1.ConfigMap(
        "network-policies",
        {
          metadata: { name: "amazon-vpc-cni", namespace: "kube-system", labels: labelsOf(tags) },
          data: { "enable-network-policy-controller": "true" },
        },
        { parent: this, provider: kubernetes },
      );
      const pool = new NodePool("pool", args, { parent: this });
      // Its pods are the first to ask for nodes.
      this.ready = [policies, pool.ready, addon("metrics-server", {}, [pool.ready])];
    } else {
      const cni = this.#cniRole(args);
      const before = [
        addon("eks-pod-identity-agent", {}, []),
        addon("kube-proxy", {}, []),
        addon("vpc-cni", { ...cni, configurationValues: JSON.stringify({ enableNetworkPolicy: "true" }) }, []),
      ];
      // Nodes without a network never become ready, and the group gives up after half an hour.
      const after = [...before, ...args.network.ready];
      const { groups } = new NodeGroups("groups", { ...args, after }, { parent: this });
      // These wait for nodes, not the other way round.
      this.ready = [...groups, addon("coredns", {}, groups), addon("metrics-server", {}, groups)];
    }
    this.registerOutputs({});
  }

  /** The network plug-in's own identity, so that nodes, and with them all pods of the host's network, need not have its rights. */
  #cniRole({ cluster, tags }: NodesArgs) {
    const serviceAccount = "aws-node";
    const role = new aws.iam.Role(
      "cni",
      {
        description: "The network plug-in of the cluster",
        assumeRolePolicy: cluster.arn.apply((clusterArn) =>
          podTrust({ clusterArn, namespace: "kube-system", serviceAccount }),
        ),
        tags,
      },
      { parent: this },
    );
    new aws.iam.RolePolicyAttachment(
      "cni",
      { role: role.name, policyArn: "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy" },
      { parent: this },
    );
    return { podIdentityAssociations: [{ serviceAccount, roleArn: role.arn }] };
  }
}
