import * as pulumi from "@pulumi/pulumi";
import { k8s } from "../sdk/k8s.cjs";
import type { Tags } from "../tags.ts";
import type { AuthorityName } from "./bundles.ts";
import { labelsOf } from "./labels.ts";

export type AuthoritiesArgs = {
  readonly namespace: pulumi.Input<string>;
  /** In PEM. */
  readonly certificates: Readonly<Partial<Record<AuthorityName, pulumi.Input<string>>>>;
  readonly tags: Tags;
};

/** Certificates by which the service knows others. They are public; mounted, a new one arrives without a restart. */
export class Authorities extends pulumi.ComponentResource {
  constructor(name: string, args: AuthoritiesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:workload:Authorities", name, {}, opts);
    const files = Object.entries(args.certificates).map(([authority, pem]) => [`${authority}.pem`, pem]);
    new k8s.core.v1.ConfigMap(
      name,
      {
        metadata: { name: "authorities", namespace: args.namespace, labels: labelsOf(args.tags) },
        data: Object.fromEntries(files),
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
