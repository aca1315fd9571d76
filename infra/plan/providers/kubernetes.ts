import type { Inputs, ProviderFacts, TypeFacts } from "./facts.ts";

/** Names of objects: a label or a subdomain of DNS. */
const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const subdomain = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

type Own = Partial<Omit<TypeFacts, "replacedBy">> & { readonly replacedBy?: readonly string[] };

/**
 * An object of Kubernetes. Beside its name, what replaces it is what the provider's own list has (`forceNew` in its
 * `diff.go`) for objects whose fields cannot be changed. ConfigMaps and Secrets are on it, unless the provider is told
 * `enableConfigMapMutable` and `enableSecretMutable`, as all of ours are.
 */
function object({ replacedBy = [], ...facts }: Own = {}): TypeFacts {
  return {
    replacedBy: ["metadata.name", "metadata.namespace", ...replacedBy],
    tags: "metadata.labels",
    physicalName: { input: "metadata.name", pattern: subdomain, within: ["metadata.namespace"] },
    id: ({ metadata }, name) => {
      const { namespace, name: own = name } = metadata as Inputs;
      return namespace === undefined ? `${own}` : `${namespace}/${own}`;
    },
    ...facts,
  };
}

/** Services and namespaces are names in DNS, so theirs are shorter. */
const shortName = { input: "metadata.name", pattern: label, within: ["metadata.namespace"] } as const;

/** Kubernetes itself, and the operators whose objects are used. */
export const facts: ProviderFacts = {
  resources: {
    "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy": object(),
    "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding": object(),
    "kubernetes:apps/v1:Deployment": object({ replacedBy: ["spec.selector"] }),
    "kubernetes:apps/v1:StatefulSet": object({
      stateful: true,
      replacedBy: [
        "spec.podManagementPolicy",
        "spec.revisionHistoryLimit",
        "spec.selector",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
      ],
    }),
    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler": object(),
    "kubernetes:batch/v1:Job": object({
      replacedBy: ["spec.completions", "spec.parallelism", "spec.selector", "spec.template"],
    }),
    "kubernetes:core/v1:ConfigMap": object({ replacedBy: ["immutable"] }),
    "kubernetes:core/v1:Namespace": object({ physicalName: { input: "metadata.name", pattern: label } }),
    // All of it, a larger size too, which Kubernetes would grant in place.
    "kubernetes:core/v1:PersistentVolumeClaim": object({ stateful: true, replacedBy: ["spec"] }),
    "kubernetes:core/v1:Secret": object({ replacedBy: ["type", "immutable"] }),
    "kubernetes:core/v1:Service": object({ replacedBy: ["spec.clusterIP"], physicalName: shortName }),
    "kubernetes:core/v1:ServiceAccount": object(),
    "kubernetes:eks.amazonaws.com/v1:NodeClass": object(),
    "kubernetes:external-secrets.io/v1:ClusterSecretStore": object(),
    "kubernetes:external-secrets.io/v1:ExternalSecret": object(),
    // Labels are given to what a chart makes by its values alone.
    "kubernetes:helm.sh/v3:Release": {
      replacedBy: ["name", "namespace"],
      tags: null,
      physicalName: { input: "name", pattern: /^[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?$/, within: ["namespace"] },
    },
    "kubernetes:karpenter.sh/v1:NodePool": object(),
    "kubernetes:keda.sh/v1alpha1:ScaledObject": object(),
    "kubernetes:keda.sh/v1alpha1:TriggerAuthentication": object(),
    "kubernetes:networking.k8s.io/v1:NetworkPolicy": object(),
    "kubernetes:policy/v1:PodDisruptionBudget": object(),
  },
  calls: {},
};
