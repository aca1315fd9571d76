import * as pulumi from "@pulumi/pulumi";
import { components, serviceAccount } from "../names.ts";
import type { WorkloadPlatform } from "../platform.ts";
import { k8s } from "../sdk/k8s.cjs";
import type { Tags } from "../tags.ts";
import { labelsOf } from "./labels.ts";

export type ServiceAccountsArgs = {
  readonly namespace: pulumi.Input<string>;
  readonly identities: WorkloadPlatform["identities"];
  readonly tags: Tags;
};

/** Who each component is. The cloud knows the names, and gives each its rights. In Kubernetes they have none. */
export class ServiceAccounts extends pulumi.ComponentResource {
  constructor(name: string, args: ServiceAccountsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:workload:ServiceAccounts", name, {}, opts);
    for (const component of components) {
      new k8s.core.v1.ServiceAccount(
        `${name}-${component}`,
        {
          metadata: {
            name: serviceAccount(component),
            namespace: args.namespace,
            labels: labelsOf(args.tags, component),
            annotations: args.identities[component].annotations,
          },
          automountServiceAccountToken: false,
        },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}
