import * as pulumi from "@pulumi/pulumi";
import { admissionLevel, admissionRules, bindingSpec, policySpec } from "../policies/admission.ts";
import type { Levels } from "../policies/levels.ts";
import { k8s } from "../sdk/k8s.cjs";
import type { Tags } from "../tags.ts";
import { labelsOf } from "./labels.ts";

export type AdmissionArgs = {
  /** Where the rules hold. */
  readonly namespaces: readonly string[];
  readonly levels: Levels;
  readonly tags: Tags;
};

/** The rules of `infra/policies` in the cluster itself: what is applied later, by whomever, is held to them as the program is. */
export class Admission extends pulumi.ComponentResource {
  constructor(name: string, args: AdmissionArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:workload:Admission", name, {}, opts);
    const { namespaces, levels, tags } = args;
    for (const rule of admissionRules) {
      // They belong to the whole cluster, so their names say whose they are.
      const metadata = {
        name: `skykv-${rule.name}`,
        labels: { ...labelsOf(tags), severity: rule.severity },
        annotations: { "kubernetes.io/description": `Protects from ${rule.protects}.` },
      };
      const policy = new k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
        `${name}-${rule.name}`,
        { metadata, spec: policySpec(rule) },
        { parent: this },
      );
      new k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
        `${name}-${rule.name}`,
        {
          metadata,
          spec: {
            policyName: policy.metadata.name.apply((known) => known!),
            ...bindingSpec(admissionLevel(levels, rule.name), namespaces),
          },
        },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}
