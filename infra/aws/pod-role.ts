import * as pulumi from "@pulumi/pulumi";
import { aws } from "../sdk/aws.cjs";
import type { Tags } from "../tags.ts";
import { type Pod, podTrust } from "./identity-trust.ts";
import { document, type Statement } from "./policy.ts";

export type PodRoleArgs = Pod & {
  readonly clusterName: string;
  readonly description: string;
  readonly statements: pulumi.Input<readonly Statement[]>;
  /** What must exist before: the cluster. */
  readonly after: pulumi.Resource[];
  readonly tags: Tags;
};

/** What the pods of one ServiceAccount are in AWS, by EKS Pod Identity: nothing is written into the cluster for it. */
export class PodRole extends pulumi.ComponentResource {
  /** Pods that start before it have no identity until they start again. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: PodRoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:PodRole", name, {}, opts);
    const { clusterName, namespace, serviceAccount, tags } = args;
    const parent = { parent: this };
    const role = new aws.iam.Role(
      name,
      { description: args.description, assumeRolePolicy: podTrust(args), tags },
      parent,
    );
    const policy = new aws.iam.RolePolicy(
      name,
      { role: role.name, policy: pulumi.output(args.statements).apply(document) },
      parent,
    );
    const association = new aws.eks.PodIdentityAssociation(
      name,
      { clusterName, namespace, serviceAccount, roleArn: role.arn, tags },
      { ...parent, dependsOn: args.after },
    );
    this.ready = [policy, association];
    this.registerOutputs({});
  }
}
