/** Objects of Kubernetes that break no rule: one of each kind that rules are asked of at admission. */
import type { Values } from "../../../../infra/policies/value.ts";

const labels = { app: "web" };
const probe = { tcpSocket: { port: 8080 } };

/** One of everything that a rule looks at, so that each can be made wrong alone. */
const pod = {
  automountServiceAccountToken: false,
  serviceAccountName: "web",
  securityContext: { runAsUser: 1000 },
  topologySpreadConstraints: ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map((topologyKey) => ({
    topologyKey,
    maxSkew: 1,
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: labels },
  })),
  containers: [
    {
      name: "web",
      image: "registry.example.com/web:1.2.3",
      ports: [{ containerPort: 8080 }],
      securityContext: {
        runAsNonRoot: true,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
        seccompProfile: { type: "RuntimeDefault" },
      },
      resources: {
        requests: { cpu: "100m", memory: "64Mi", "ephemeral-storage": "64Mi" },
        limits: { memory: "64Mi", "ephemeral-storage": "64Mi" },
      },
      readinessProbe: probe,
      livenessProbe: probe,
    },
  ],
  // Without a source it is an empty folder.
  volumes: [{ name: "scratch" }],
};
const { readinessProbe: _, livenessProbe: __, ...worker } = pod.containers[0]!;

const running = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } };
const job = { template: { spec: { ...pod, containers: [worker], restartPolicy: "Never" } } };
const rights = { apiGroups: [""], resources: ["configmaps"], verbs: ["get"] };

/** Without kind and metadata, by type. */
export const rightObjects: Readonly<Record<string, Values>> = {
  "kubernetes:apps/v1:Deployment": {
    spec: { ...running, replicas: 2, strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0 } } },
  },
  "kubernetes:apps/v1:StatefulSet": { spec: { ...running, serviceName: "web" } },
  "kubernetes:apps/v1:DaemonSet": { spec: running },
  "kubernetes:apps/v1:ReplicaSet": { spec: running },
  "kubernetes:batch/v1:Job": { spec: job },
  "kubernetes:batch/v1:CronJob": { spec: { schedule: "@daily", jobTemplate: { spec: job } } },
  "kubernetes:core/v1:Pod": { spec: pod },
  "kubernetes:core/v1:ReplicationController": { spec: { selector: labels, template: running.template } },
  "kubernetes:core/v1:Namespace": { metadata: { labels: { "pod-security.kubernetes.io/enforce": "restricted" } } },
  "kubernetes:core/v1:Service": { spec: { type: "ClusterIP", selector: labels, ports: [{ port: 80 }] } },
  "kubernetes:core/v1:ServiceAccount": { automountServiceAccountToken: false },
  "kubernetes:rbac.authorization.k8s.io/v1:Role": { rules: [rights] },
  "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": {
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
  },
  "kubernetes:autoscaling/v2:HorizontalPodAutoscaler": {
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      minReplicas: 2,
      maxReplicas: 4,
    },
  },
  "kubernetes:keda.sh/v1alpha1:ScaledObject": {
    spec: {
      scaleTargetRef: { name: "web" },
      minReplicaCount: 2,
      triggers: [{ type: "cpu", metricType: "Utilization", metadata: { value: "60" } }],
    },
  },
  "kubernetes:external-secrets.io/v1:ExternalSecret": { spec: { target: { deletionPolicy: "Retain" } } },
};
