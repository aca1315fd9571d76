/** What holds for namespaces, services and rights, and between objects. */
import { is, isAtLeast, isNot, isOneOf, isSet, isUnset, test, where } from "../../condition.ts";
import type { Resource, Rule } from "../../rule.ts";
import { isList, isMap, unknown, type Value, type Values, valuesAt } from "../../value.ts";

const namespace = "kubernetes:core/v1:Namespace";
const enforce = "pod-security.kubernetes.io/enforce";
const networkPolicy = "kubernetes:networking.k8s.io/v1:NetworkPolicy";
const budget = "kubernetes:policy/v1:PodDisruptionBudget";
const deployment = "kubernetes:apps/v1:Deployment";

export const cluster: readonly Rule[] = [
  {
    name: "k8s-pod-security",
    types: [namespace],
    severity: "high",
    protects: "pods with more rights than the standard `restricted` grants, whoever makes them",
    standard: "CIS Kubernetes 5.2.1",
    fix: 'the label pod-security.kubernetes.io/enforce: "restricted"',
    conditions: [
      test(
        "metadata.labels",
        `have ${enforce}: "restricted"`,
        (labels) => isMap(labels) && labels[enforce] === "restricted",
        {
          right: { [enforce]: "restricted" },
          wrong: [{ [enforce]: "baseline" }, {}],
          cel: (labels) => `${labels}[?"${enforce}"].orValue("") == "restricted"`,
        },
      ),
    ],
  },
  {
    name: "k8s-default-deny",
    types: [namespace, networkPolicy],
    severity: "high",
    protects: "traffic from and to pods that no policy mentions",
    standard: "CKV2_K8S_6, CIS Kubernetes 5.3.2",
    fix: "a NetworkPolicy in the namespace with an empty podSelector and both policyTypes",
    judge: (resources) =>
      resources
        .filter(({ type }) => type === namespace)
        .filter(({ values }) => !resources.some((other) => deniesAll(other) && inNamespace(other, nameOf(values))))
        .map(({ urn }) => ({ urn, text: "there must be a NetworkPolicy that denies by default, found none" })),
    examples: denyExamples(),
  },
  {
    name: "k8s-disruption-budget",
    types: [deployment, budget],
    severity: "high",
    protects: "all pods being moved at once when machines are renewed",
    standard: "",
    fix: "a PodDisruptionBudget with the same labels, and maxUnavailable or minAvailable that leaves one pod",
    judge: (resources) =>
      resources
        .filter(({ type }) => type === deployment)
        .filter((one) => !resources.some((other) => other.type === budget && guards(other, one)))
        .map(({ urn }) => ({ urn, text: "there must be a PodDisruptionBudget for it, found none" })),
    examples: budgetExamples(),
  },
  {
    name: "k8s-no-cluster-administrators",
    types: [
      "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
      "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
    ],
    severity: "critical",
    protects: "a program that can do anything in the cluster",
    standard: "CIS Kubernetes 5.1.1",
    fix: "a role with the verbs and resources that are used",
    conditions: [isNot("roleRef.name", "cluster-admin")],
  },
  {
    name: "k8s-no-star",
    types: ["kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", "kubernetes:rbac.authorization.k8s.io/v1:Role"],
    severity: "critical",
    protects: "a program that can do anything to some kinds, or some things to all",
    standard: "CIS Kubernetes 5.1.3",
    fix: "the verbs and resources that are used",
    conditions: [isNot("rules[].verbs[]", "*"), isNot("rules[].resources[]", "*")],
  },
  {
    name: "k8s-load-balancer-known",
    types: ["kubernetes:core/v1:Service"],
    severity: "high",
    protects: "a service that the internet reaches, past the edge and its rules",
    standard: "",
    fix: 'type "ClusterIP"; only the services api and peers have load balancers, which keep addresses (externalTrafficPolicy "Local")',
    conditions: [
      isNot("spec.type", "NodePort"),
      where("spec.type", "LoadBalancer", isOneOf("metadata.name", "api", "peers")),
      isUnset("spec.externalIPs", ["192.0.2.1"]),
    ],
  },
  {
    name: "k8s-load-balancer-narrow",
    types: ["kubernetes:core/v1:Service"],
    severity: "critical",
    protects: "clients that pass the edge by",
    standard: "",
    fix: "loadBalancerSourceRanges of the edge and of the other clouds",
    conditions: [
      where("metadata.name", "api", isNot("spec.loadBalancerSourceRanges[]", "0.0.0.0/0")),
      where("metadata.name", "peers", isNot("spec.loadBalancerSourceRanges[]", "0.0.0.0/0")),
    ],
  },
  {
    name: "k8s-scales-from-two",
    types: ["kubernetes:autoscaling/v2:HorizontalPodAutoscaler"],
    severity: "high",
    protects: "a single pod in quiet times",
    standard: "",
    fix: "spec.minReplicas of 2 or more",
    conditions: [isAtLeast("spec.minReplicas", 2)],
  },
  {
    name: "k8s-queue-scales-from-two",
    types: ["kubernetes:keda.sh/v1alpha1:ScaledObject"],
    severity: "high",
    protects: "a single pod in quiet times",
    standard: "",
    fix: "spec.minReplicaCount of 2 or more",
    conditions: [isAtLeast("spec.minReplicaCount", 2)],
  },
  {
    name: "k8s-secret-kept",
    types: ["kubernetes:external-secrets.io/v1:ExternalSecret"],
    severity: "medium",
    protects: "running pods that lose a secret because its store does not answer",
    standard: "",
    fix: 'spec.target.deletionPolicy: "Retain"',
    conditions: [{ ...is("spec.target.deletionPolicy", "Retain"), wrong: ["Delete"] }],
  },
  {
    name: "k8s-account-no-token",
    types: ["kubernetes:core/v1:ServiceAccount"],
    severity: "medium",
    protects: "pods that carry a token because nobody said otherwise",
    standard: "CKV_K8S_38",
    fix: "automountServiceAccountToken: false",
    conditions: [is("automountServiceAccountToken", false)],
    // Every namespace gets one with this name, as it is.
    admission: { unless: 'object.metadata.name == "default"' },
  },
  {
    name: "k8s-network-policy-typed",
    types: [networkPolicy],
    severity: "medium",
    protects: "a policy that says nothing of the direction that it was meant for",
    standard: "",
    fix: "policyTypes with Ingress, Egress or both",
    conditions: [isOneOf("spec.policyTypes[]", "Ingress", "Egress")],
    admission: { never: "Kubernetes fills them in, and takes no others" },
  },
  {
    name: "k8s-store-narrow",
    types: ["kubernetes:external-secrets.io/v1:ClusterSecretStore"],
    severity: "high",
    protects: "any namespace of the cluster reading our secrets",
    standard: "",
    fix: "conditions with the namespaces that may use the store",
    conditions: [isSet("spec.conditions[].namespaces")],
  },
];

function nameOf(values: Values): Value {
  return valuesAt(values, "metadata.name")[0];
}

/** An unknown name may be any: what only up will know is judged then. */
function inNamespace({ values }: Resource, name: Value): boolean {
  const [own] = valuesAt(values, "metadata.namespace");
  return own === name || own === unknown || name === unknown;
}

function deniesAll({ type, values }: Resource): boolean {
  if (type !== networkPolicy || !isMap(values.spec)) return false;
  const { podSelector, policyTypes, ingress, egress } = values.spec;
  const all = isMap(podSelector) && Object.keys(podSelector).length === 0;
  const both = isList(policyTypes) && policyTypes.includes("Ingress") && policyTypes.includes("Egress");
  return all && both && ingress === undefined && egress === undefined;
}

function guards({ values }: Resource, { values: guarded }: Resource): boolean {
  const [wanted] = valuesAt(values, "spec.selector.matchLabels");
  const [labels] = valuesAt(guarded, "spec.template.metadata.labels");
  if (wanted === unknown || labels === unknown) return true;
  if (!isMap(wanted) || !isMap(labels) || !isMap(values.spec)) return false;
  const { maxUnavailable, minAvailable } = values.spec;
  const leavesSome = maxUnavailable !== undefined || minAvailable !== undefined;
  return leavesSome && Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

function object(type: string, values: Values): Resource {
  return { type, urn: `urn:pulumi:aws::skykv::${type}::one`, values, parent: null, sources: {} };
}

function denyExamples() {
  const space = object(namespace, { metadata: { name: "skykv" } });
  const deny = (name: Value, spec: Values) => object(networkPolicy, { metadata: { namespace: name }, spec });
  const all = { podSelector: {}, policyTypes: ["Ingress", "Egress"] };
  return {
    right: [space, deny("skykv", all)],
    wrong: [space, deny("skykv", { ...all, policyTypes: ["Ingress"] })],
    absent: { stack: [space], holds: false },
    unknown: { stack: [space, deny(unknown, all)], holds: true },
  };
}

function budgetExamples() {
  const labels = { app: "api" };
  const one = object(deployment, { spec: { template: { metadata: { labels } } } });
  const guard = (matchLabels: Value) => object(budget, { spec: { maxUnavailable: 1, selector: { matchLabels } } });
  return {
    right: [one, guard(labels)],
    wrong: [one, guard({ app: "replicator" })],
    absent: { stack: [one], holds: false },
    unknown: { stack: [one, guard(unknown)], holds: true },
  };
}
