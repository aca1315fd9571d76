import * as pulumi from "@pulumi/pulumi";
import type { Scaler, WorkloadPlatform } from "../platform.ts";
import { k8s } from "../sdk/k8s.cjs";
import type { ComponentArgs } from "./api.ts";
import { deploymentSpec, disruptionBudgetSpec } from "./deployment.ts";
import { labelsOf } from "./labels.ts";
import { behavior, Scaling } from "./scaling.ts";
import { authenticationOf, triggerOf } from "./triggers.ts";

export type ReplicatorArgs = ComponentArgs & {
  readonly platform: Pick<WorkloadPlatform, "queue" | "cloud">;
  /** Null where there is no KEDA. */
  readonly scaler: Scaler | null;
};

/** What sends changes to the peers: as many processes as the queue of hints needs. */
export class Replicator extends pulumi.ComponentResource {
  constructor(name: string, args: ReplicatorArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:workload:Replicator", name, {}, opts);
    const { namespace, tags, size, scaler } = args;
    const metadata = { name: component, namespace, labels: labelsOf(tags, component) };
    const spec = deploymentSpec({ ...args, component, replicas: size.min, ports: {} });
    // From then on the autoscaler counts.
    const ignoreChanges = ["spec.replicas"];
    const deployment = new k8s.apps.v1.Deployment(name, { metadata, spec }, { parent: this, ignoreChanges });
    new k8s.policy.v1.PodDisruptionBudget(name, { metadata, spec: disruptionBudgetSpec(component) }, { parent: this });
    // Never both: KEDA makes an autoscaler of its own, and two would pull at one Deployment.
    const behind = { parent: this, dependsOn: [deployment] };
    if (scaler === null) {
      new Scaling(`${name}-scaling`, { namespace, component, min: size.min, max: size.max, tags }, behind);
    } else {
      this.#scaleByQueue(name, args, scaler, metadata, behind);
    }
    this.registerOutputs({});
  }

  #scaleByQueue(
    name: string,
    { platform, size }: ReplicatorArgs,
    scaler: Scaler,
    metadata: k8s.types.input.meta.v1.ObjectMeta,
    opts: pulumi.CustomResourceOptions,
  ) {
    const spec = authenticationOf(platform.queue, scaler);
    const authentication =
      spec === null
        ? null
        : new k8s.apiextensions.CustomResource(
            `${name}-authentication`,
            { apiVersion, kind: "TriggerAuthentication", metadata, spec },
            opts,
          );
    new k8s.apiextensions.CustomResource(
      `${name}-scaling`,
      {
        apiVersion,
        kind: "ScaledObject",
        metadata,
        spec: {
          scaleTargetRef: { name: component },
          minReplicaCount: size.min,
          maxReplicaCount: size.max,
          pollingInterval: 15,
          advanced: { horizontalPodAutoscalerConfig: { behavior } },
          triggers: [
            {
              ...triggerOf(platform),
              ...(authentication && { authenticationRef: { name: authentication.metadata.name } }),
            },
          ],
        },
      },
      opts,
    );
  }
}

const component = "replicator";
const apiVersion = "keda.sh/v1alpha1";
