/** What holds for every pod, whatever makes it. Containers that start before the others hold to the same. */
import { contains, is, isAtLeast, isNot, isNotUsed, isSet, isUnset, test } from "../../condition.ts";
import type { Rule } from "../../rule.ts";
import { isList, isMap, type Value } from "../../value.ts";

/** Kinds that make pods. */
export const workloads = [
  "kubernetes:apps/v1:Deployment",
  "kubernetes:apps/v1:StatefulSet",
  "kubernetes:apps/v1:DaemonSet",
  "kubernetes:batch/v1:Job",
  "kubernetes:batch/v1:CronJob",
];
/** Kinds whose pods answer requests for as long as they run. */
const services = workloads.slice(0, 3);

const container = "$pod.$containers[]";

export const pods: readonly Rule[] = [
  {
    name: "k8s-not-root",
    types: workloads,
    severity: "high",
    protects: "a break-in that ends as root on the machine",
    standard: "CKV_K8S_6, CKV_K8S_23",
    fix: "securityContext.runAsNonRoot: true in each container",
    conditions: [is(`${container}.securityContext.runAsNonRoot`, true), isNot("$pod.securityContext.runAsUser", 0)],
  },
  {
    name: "k8s-no-escalation",
    types: workloads,
    severity: "high",
    protects: "a program that gains rights which it did not start with",
    standard: "CKV_K8S_16, CKV_K8S_20",
    fix: "securityContext.allowPrivilegeEscalation: false, and no privileged: true",
    conditions: [
      is(`${container}.securityContext.allowPrivilegeEscalation`, false),
      isNot(`${container}.securityContext.privileged`, true),
    ],
  },
  {
    name: "k8s-no-capabilities",
    types: workloads,
    severity: "high",
    protects: "rights of root that a program does not need",
    standard: "CKV_K8S_37, CKV_K8S_25",
    fix: 'securityContext.capabilities: { drop: ["ALL"] }',
    conditions: [
      contains(`${container}.securityContext.capabilities.drop`, "ALL"),
      isUnset(`${container}.securityContext.capabilities.add`, ["NET_ADMIN"]),
    ],
  },
  {
    name: "k8s-read-only-root",
    types: workloads,
    severity: "medium",
    protects: "a break-in that changes the program on its disk",
    standard: "CKV_K8S_22",
    fix: "securityContext.readOnlyRootFilesystem: true",
    conditions: [is(`${container}.securityContext.readOnlyRootFilesystem`, true)],
  },
  {
    name: "k8s-seccomp",
    types: workloads,
    severity: "medium",
    protects: "system calls that no program needs and break-ins do",
    standard: "CKV_K8S_31",
    fix: 'securityContext.seccompProfile.type: "RuntimeDefault"',
    conditions: [
      { ...is(`${container}.securityContext.seccompProfile.type`, "RuntimeDefault"), wrong: ["Unconfined"] },
    ],
  },
  {
    name: "k8s-not-the-host",
    types: workloads,
    severity: "critical",
    protects: "a pod that sees the network, the processes or the files of its machine",
    standard: "CKV_K8S_17, CKV_K8S_18, CKV_K8S_19, CKV_K8S_26",
    fix: "none of hostNetwork, hostPID, hostIPC, hostPort, nor a volume hostPath",
    conditions: [
      isNot("$pod.hostNetwork", true),
      isNot("$pod.hostPID", true),
      isNot("$pod.hostIPC", true),
      isUnset("$pod.volumes[].hostPath", { path: "/" }),
      isUnset(`${container}.ports[].hostPort`, 8080),
    ],
  },
  {
    name: "k8s-no-token",
    types: workloads,
    severity: "high",
    protects: "a break-in that talks to the API of Kubernetes",
    standard: "CKV_K8S_38",
    fix: "automountServiceAccountToken: false, and a projected volume where a token is needed",
    conditions: [is("$pod.automountServiceAccountToken", false)],
  },
  {
    name: "k8s-account",
    types: workloads,
    severity: "medium",
    protects: "pods that share the rights of the namespace's default account",
    standard: "CKV_K8S_41",
    fix: "serviceAccountName of an account of its own, where the pod has any right in the cloud",
    conditions: [isNot("$pod.serviceAccountName", "default")],
  },
  {
    name: "k8s-image-fixed",
    types: workloads,
    severity: "high",
    protects: "an image that changes under its name",
    standard: "CKV_K8S_14, CKV_K8S_43",
    fix: "an image by digest, or by a tag that says a version",
    conditions: [
      test(`${container}.image`, "have a digest or a version", (image) => isFixed(String(image)), {
        right: "registry.example.com/skykv@sha256:0123456789abcdef",
        wrong: ["skykv:latest", "skykv"],
        // Its digest is known when it is built, which is during up.
        unknown: true,
        cel: (image) => `${image}.contains("@sha256:") || ${image}.matches(":[^/:@]*[0-9][^/:@]*$")`,
      }),
    ],
  },
  {
    name: "k8s-resources",
    types: workloads,
    severity: "medium",
    protects: "one pod that takes the memory of all others on its machine",
    standard: "CKV_K8S_10, CKV_K8S_12, CKV_K8S_13",
    fix: "resources: { requests: { cpu, memory }, limits: { memory } }",
    conditions: [
      isSet(`${container}.resources.requests.cpu`),
      isSet(`${container}.resources.requests.memory`),
      isSet(`${container}.resources.limits.memory`),
    ],
  },
  {
    name: "k8s-disk-limits",
    types: ["kubernetes:apps/v1:Deployment", "kubernetes:batch/v1:Job"],
    severity: "low",
    protects: "one pod that fills the disk of its machine",
    standard: "",
    fix: "resources.requests and resources.limits with ephemeral-storage",
    conditions: [
      isSet(`${container}.resources.requests.ephemeral-storage`),
      isSet(`${container}.resources.limits.ephemeral-storage`),
    ],
  },
  {
    name: "k8s-probes",
    types: services,
    severity: "medium",
    protects: "requests to a pod that cannot answer, and a pod that hangs for ever",
    standard: "CKV_K8S_8, CKV_K8S_9",
    fix: "readinessProbe and livenessProbe",
    conditions: [isSet("$pod.containers[].readinessProbe"), isSet("$pod.containers[].livenessProbe")],
  },
  {
    name: "k8s-no-bare-pod",
    types: ["kubernetes:core/v1:Pod", "kubernetes:core/v1:ReplicationController", "kubernetes:apps/v1:ReplicaSet"],
    severity: "medium",
    protects: "a pod that nothing starts again when its machine is gone",
    standard: "",
    fix: "a Deployment",
    conditions: [isNotUsed],
    // Those of a Deployment and of a Job have it as their controller.
    admission: {
      unless: "object.metadata.?ownerReferences.orValue([]).exists(owner, owner.?controller.orValue(false))",
    },
  },
  {
    name: "k8s-several-replicas",
    types: ["kubernetes:apps/v1:Deployment"],
    severity: "high",
    protects: "requests that fail while one pod is moved",
    standard: "",
    fix: "spec.replicas of 2 or more",
    conditions: [isAtLeast("spec.replicas", 2)],
  },
  {
    name: "k8s-spread",
    types: ["kubernetes:apps/v1:Deployment"],
    severity: "high",
    protects: "all pods being in the zone, or on the machine, that is down",
    standard: "",
    fix: "topologySpreadConstraints by topology.kubernetes.io/zone and kubernetes.io/hostname",
    conditions: ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map((key) => spreadOver(key)),
  },
  {
    name: "k8s-no-gap",
    types: ["kubernetes:apps/v1:Deployment"],
    severity: "medium",
    protects: "fewer pods than needed while a new version comes",
    standard: "",
    fix: "strategy.rollingUpdate.maxUnavailable: 0",
    conditions: [is("spec.strategy.rollingUpdate.maxUnavailable", 0)],
  },
];

function isFixed(image: string): boolean {
  const [, tag] = /:([^/:@]+)$/.exec(image) ?? [];
  return image.includes("@sha256:") || (tag !== undefined && /\d/.test(tag));
}

function spreadOver(key: string) {
  const both = ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map((topologyKey) => ({
    topologyKey,
    maxSkew: 1,
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: {} },
  }));
  const holds = (constraints: Value) =>
    isList(constraints) && constraints.some((one) => isMap(one) && one.topologyKey === key);
  return test("$pod.topologySpreadConstraints", `have one by ${key}`, holds, {
    right: both,
    wrong: [both.filter(({ topologyKey }) => topologyKey !== key)],
    cel: (constraints) => `${constraints}.exists(one, one.topologyKey == ${JSON.stringify(key)})`,
  });
}
