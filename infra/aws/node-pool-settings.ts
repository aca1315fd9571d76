import type * as pulumi from "@pulumi/pulumi";
import type { Tags } from "../tags.ts";

export type NodeClassSettings = {
  /** Name of the nodes' role, not its ARN. */
  readonly role: pulumi.Input<string>;
  readonly keyArn: pulumi.Input<string>;
  readonly subnetIds: readonly pulumi.Input<string>[];
  readonly securityGroupId: pulumi.Input<string>;
  readonly tags: Tags;
};

/** `spec` of a NodeClass of EKS: what a node is in AWS. */
export function nodeClassSpec({ role, keyArn, subnetIds, securityGroupId, tags }: NodeClassSettings) {
  return {
    role,
    subnetSelectorTerms: subnetIds.map((id) => ({ id })),
    securityGroupSelectorTerms: [{ id: securityGroupId }],
    // Of both disks: the system, and images, logs and scratch.
    ephemeralStorage: { kmsKeyID: keyArn },
    tags,
  };
}

/** `spec` of a NodePool of Karpenter: which nodes there are, and for how long. It is what EKS's pool `general-purpose` says. */
export function nodePoolSpec(nodeClass: pulumi.Input<string>) {
  const oneOf = (key: string, ...values: string[]) => ({ key, operator: "In", values });
  return {
    template: {
      spec: {
        nodeClassRef: { group: "eks.amazonaws.com", kind: "NodeClass", name: nodeClass },
        requirements: [
          oneOf("karpenter.sh/capacity-type", "on-demand"),
          oneOf("kubernetes.io/os", "linux"),
          // An image that people bring may be for no other.
          oneOf("kubernetes.io/arch", "amd64"),
          oneOf("eks.amazonaws.com/instance-category", "c", "m", "r"),
          { key: "eks.amazonaws.com/instance-generation", operator: "Gt", values: ["4"] },
        ],
        // Two weeks: EKS lets no node live longer than three. Its pods get a day to leave.
        expireAfter: "336h",
        terminationGracePeriod: "24h",
      },
    },
    disruption: {
      consolidationPolicy: "WhenEmptyOrUnderutilized",
      consolidateAfter: "30s",
      budgets: [{ nodes: "10%" }],
    },
  };
}
