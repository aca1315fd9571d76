import { ports } from "../names.ts";
import type { k8s } from "../sdk/k8s.cjs";
import { selectorOf } from "./labels.ts";
import { type PodArgs, podTemplate } from "./pod.ts";

/**
 * Seconds that a pod goes on serving after it was told to end, so that load balancers have found out: they probe every
 * 10 s, and take a target out at the second failure.
 */
const drainSeconds = 30;
/** SHUTDOWN_TIMEOUT_MS of the service, and 10 s for what comes after it. */
const shutdownSeconds = 30;

export type DeploymentArgs = Omit<PodArgs, "container" | "pod"> & {
  readonly replicas: number;
  /** Whether nodes say in which zone they are, as those of every cloud do. */
  readonly zoned: boolean;
  /** By name, beside the one for metrics. */
  readonly ports: Readonly<Record<string, number>>;
};

/** What runs for ever: probed on its port for metrics, spread over zones and nodes, replaced one by one. */
export function deploymentSpec(args: DeploymentArgs): k8s.types.input.apps.v1.DeploymentSpec {
  const { component, replicas, zoned } = args;
  return {
    replicas,
    revisionHistoryLimit: 5,
    progressDeadlineSeconds: 300,
    minReadySeconds: 5,
    selector: { matchLabels: selectorOf(component) },
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    template: podTemplate({
      ...args,
      container: {
        ports: Object.entries({ ...args.ports, metrics: ports.metrics }).map(([name, containerPort]) => ({
          name,
          containerPort,
        })),
        // Two minutes: a database that was paused or fails over may take one.
        startupProbe: { ...probe("/health"), periodSeconds: 2, failureThreshold: 60 },
        readinessProbe: { ...probe("/ready"), periodSeconds: 5, failureThreshold: 2 },
        livenessProbe: { ...probe("/health"), periodSeconds: 10, failureThreshold: 3 },
        lifecycle: { preStop: { sleep: { seconds: drainSeconds } } },
      },
      pod: {
        terminationGracePeriodSeconds: drainSeconds + shutdownSeconds,
        topologySpreadConstraints: spread(component, zoned && replicas >= 3),
      },
    }),
  };
}

function probe(path: string) {
  return { httpGet: { path, port: "metrics" }, timeoutSeconds: 3 };
}

/**
 * Even over zones and nodes; strictly over zones, where there are enough pods for three of them. Pods of one rollout are counted
 * by themselves, or old ones would push the new to one side; zones whose nodes are all tainted, as after an outage, are not
 * waited for.
 */
export function spread(component: string, strict: boolean): k8s.types.input.core.v1.TopologySpreadConstraint[] {
  const common = {
    maxSkew: 1,
    labelSelector: { matchLabels: selectorOf(component) },
    matchLabelKeys: ["pod-template-hash"],
    nodeTaintsPolicy: "Honor",
  };
  return [
    {
      ...common,
      topologyKey: "topology.kubernetes.io/zone",
      whenUnsatisfiable: strict ? "DoNotSchedule" : "ScheduleAnyway",
    },
    { ...common, topologyKey: "kubernetes.io/hostname", whenUnsatisfiable: "ScheduleAnyway" },
  ];
}

/** One pod at a time may be taken away for maintenance of nodes. Pods that are not ready anyway are not waited for. */
export function disruptionBudgetSpec(component: string): k8s.types.input.policy.v1.PodDisruptionBudgetSpec {
  return {
    maxUnavailable: 1,
    unhealthyPodEvictionPolicy: "AlwaysAllow",
    selector: { matchLabels: selectorOf(component) },
  };
}
