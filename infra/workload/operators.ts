import * as pulumi from "@pulumi/pulumi";
import type { Scaler, WorkloadPlatform } from "../platform.ts";
import { k8s } from "../sdk/k8s.cjs";
import type { Tags } from "../tags.ts";
import { labelsOf } from "./labels.ts";
import { Namespace } from "./namespace.ts";
import { operatorVersions } from "./operator-versions.ts";
import { dns, https, identityTokens, tcp, toAnyone } from "./traffic.ts";

export type OperatorsArgs = {
  readonly platform: WorkloadPlatform;
  readonly tags: Tags;
};

/** What the workload needs in the cluster beside Kubernetes: External Secrets, and KEDA where the cloud does not run it. */
export class Operators extends pulumi.ComponentResource {
  constructor(name: string, args: OperatorsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:workload:Operators", name, {}, opts);
    const { secrets, scaler } = args.platform;
    if (secrets.provider !== null) this.#install("external-secrets", externalSecrets(secrets.annotations), args);
    if (scaler !== null && !scaler.managed) this.#install("keda", keda(scaler), args);
    this.registerOutputs({});
  }

  #install(word: string, { chart, policy }: Operator, { platform, tags }: OperatorsArgs) {
    const { namespace } = new Namespace(word, { namespace: word, tags }, { parent: this });
    const traffic = new k8s.networking.v1.NetworkPolicy(
      `${word}-traffic`,
      { metadata: { name: "operator", namespace, labels: labelsOf(tags) }, spec: policy(platform) },
      { parent: this },
    );
    // Its pods are waited for, and need the policy to become ready.
    const opts = { parent: this, dependsOn: [traffic] };
    new k8s.helm.v3.Release(word, { ...chart, name: word, namespace, atomic: true }, opts);
  }
}

type Operator = {
  readonly chart: Omit<k8s.helm.v3.ReleaseArgs, "name" | "namespace">;
  readonly policy: (platform: WorkloadPlatform) => k8s.types.input.networking.v1.NetworkPolicySpec;
};

/** Two of each part, of which one works and one waits: a node that goes takes none of them away. */
const replicas = 2;

const small = { requests: { cpu: "50m", memory: "128Mi" }, limits: { memory: "256Mi" } };

/** The chart's own security settings are those of the Pod Security standard `restricted`. */
export function externalSecrets(annotations: Scaler["annotations"]): Operator {
  const part = { replicaCount: replicas, podDisruptionBudget: { enabled: true, minAvailable: 1 }, resources: small };
  return {
    chart: {
      chart: "external-secrets",
      version: operatorVersions.externalSecrets,
      repositoryOpts: { repo: "https://charts.external-secrets.io" },
      values: {
        ...part,
        leaderElect: true,
        serviceAccount: { name: "external-secrets", annotations },
        // Not used here, so it need not be able to.
        processClusterExternalSecret: false,
        processClusterPushSecret: false,
        processPushSecret: false,
        webhook: part,
        certController: { ...part, leaderElect: true },
      },
    },
    policy: (platform) => operatorPolicy(platform, { asked: [10250], asks: [vaultPort] }),
  };
}

/** As the chart of External Secrets: restricted by itself. */
export function keda({ annotations }: Scaler): Operator {
  const part = { replicaCount: replicas };
  return {
    chart: {
      chart: "keda",
      version: operatorVersions.keda,
      repositoryOpts: { repo: "https://kedacore.github.io/charts" },
      values: {
        operator: part,
        metricsServer: part,
        webhooks: part,
        podDisruptionBudget: {
          operator: { minAvailable: 1 },
          metricServer: { minAvailable: 1 },
          webhooks: { minAvailable: 1 },
        },
        resources: { operator: small, metricServer: small, webhooks: small },
        serviceAccount: { operator: { name: "keda-operator", annotations } },
      },
    },
    policy: (platform) => operatorPolicy(platform, { asked: [6443, 9443, 9666], asks: queuePort(platform) }),
  };
}

/** Where Vault and OpenBao listen, if not at 443 as other stores do. */
const vaultPort = 8200;

/** KEDA asks queues over HTTPS, but for RabbitMQ. */
function queuePort({ queue }: WorkloadPlatform): readonly number[] {
  return queue.kind === "rabbitmq" ? [queue.port] : [];
}

/**
 * Kubernetes asks operators at their ports from addresses that nobody tells beforehand. They themselves ask Kubernetes and
 * clouds over HTTPS (6443: where it is not behind 443), and each other.
 */
function operatorPolicy(
  { cloud }: WorkloadPlatform,
  { asked, asks }: { readonly asked: readonly number[]; readonly asks: readonly number[] },
) {
  return {
    podSelector: {},
    policyTypes: ["Ingress", "Egress"],
    ingress: [{ ports: tcp(...asked) }],
    egress: [dns, https, toAnyone(...tcp(6443, ...asks)), { to: [{ podSelector: {} }] }, ...identityTokens(cloud)],
  };
}
