import * as pulumi from "@pulumi/pulumi";
import { aws } from "../sdk/aws.cjs";
import { principalWord } from "./cluster-settings.ts";
import type { EntityArgs } from "./entity.ts";

export type AdministratorsArgs = Pick<EntityArgs, "config" | "tags"> & { readonly cluster: aws.eks.Cluster };

/** The roles that may do everything in the cluster. */
export class Administrators extends pulumi.ComponentResource {
  readonly entries: readonly pulumi.Resource[];

  constructor(name: string, { config, cluster, tags }: AdministratorsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:Administrators", name, {}, opts);
    this.entries = config.cluster.administrators.flatMap((principalArn) => {
      const word = principalWord(principalArn);
      const who = { clusterName: cluster.name, principalArn };
      const entry = new aws.eks.AccessEntry(word, { ...who, type: "STANDARD", tags }, { parent: this });
      const policy = new aws.eks.AccessPolicyAssociation(
        word,
        {
          ...who,
          policyArn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
          accessScope: { type: "cluster" },
        },
        // A policy is bound to an entry, which the API does not wait for.
        { parent: this, dependsOn: [entry] },
      );
      return [entry, policy];
    });
    this.registerOutputs({});
  }
}
