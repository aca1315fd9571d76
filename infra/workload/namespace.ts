import * as pulumi from "@pulumi/pulumi";
import { k8s } from "../sdk/k8s.cjs";
import type { Tags } from "../tags.ts";
import { labelsOf } from "./labels.ts";

export type NamespaceArgs = {
  /** Its name in the cluster. */
  readonly namespace: string;
  readonly tags: Tags;
};

/** A namespace that takes no pod with more rights than it needs, and where no pod talks to another unless a policy says so. */
export class Namespace extends pulumi.ComponentResource {
  /** Known once it exists. */
  readonly namespace: pulumi.Output<string>;

  constructor(name: string, args: NamespaceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:workload:Namespace", name, {}, opts);
    const parent = { parent: this };
    const labels = labelsOf(args.tags);
    const made = new k8s.core.v1.Namespace(
      name,
      { metadata: { name: args.namespace, labels: { ...labels, ...podSecurity } } },
      parent,
    );
    this.namespace = made.metadata.name;
    new k8s.networking.v1.NetworkPolicy(
      `${name}-default-deny`,
      {
        metadata: { name: "default-deny", namespace: this.namespace, labels },
        spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
      },
      parent,
    );
    this.registerOutputs({ namespace: this.namespace });
  }
}

/** The version is the cluster's own: pinning an old one would let pass what a newer standard forbids. */
const podSecurity = Object.fromEntries(
  ["enforce", "audit", "warn"].flatMap((mode) => [
    [`pod-security.kubernetes.io/${mode}`, "restricted"],
    [`pod-security.kubernetes.io/${mode}-version`, "latest"],
  ]),
);
