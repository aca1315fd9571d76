import * as pulumi from "@pulumi/pulumi";
import { k8s } from "../sdk/k8s.cjs";
import type { Tags } from "../tags.ts";
import { labelsOf } from "./labels.ts";

export type ScalingArgs = {
  readonly namespace: pulumi.Input<string>;
  /** Of the Deployment, too. */
  readonly component: string;
  readonly min: number;
  readonly max: number;
  readonly tags: Tags;
};

/** As many pods as their CPUs need. */
export class Scaling extends pulumi.ComponentResource {
  constructor(name: string, args: ScalingArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:workload:Scaling", name, {}, opts);
    const { namespace, component, tags } = args;
    new k8s.autoscaling.v2.HorizontalPodAutoscaler(
      name,
      { metadata: { name: component, namespace, labels: labelsOf(tags, component) }, spec: autoscalerSpec(args) },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

/** When one of three clouds is lost the other two get half as much again: from 60 % they come to 90 %, and new pods are not waited for. */
export const targetUtilization = 60;

/** Up at once and by doubling; down after five quiet minutes, since a lost cloud comes back as fast as it went. */
export const behavior = {
  scaleUp: { stabilizationWindowSeconds: 0, policies: [{ type: "Percent", value: 100, periodSeconds: 15 }] },
  scaleDown: { stabilizationWindowSeconds: 300, policies: [{ type: "Percent", value: 25, periodSeconds: 60 }] },
};

export function autoscalerSpec({
  component,
  min,
  max,
}: Pick<ScalingArgs, "component" | "min" | "max">): k8s.types.input.autoscaling.v2.HorizontalPodAutoscalerSpec {
  return {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: component },
    minReplicas: min,
    maxReplicas: max,
    metrics: [
      {
        type: "Resource",
        resource: { name: "cpu", target: { type: "Utilization", averageUtilization: targetUtilization } },
      },
    ],
    behavior,
  };
}
