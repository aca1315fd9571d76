import * as pulumi from "@pulumi/pulumi";
import { ports } from "../names.ts";
import { k8s } from "../sdk/k8s.cjs";
import type { Tags } from "../tags.ts";
import { type DeploymentArgs, deploymentSpec, disruptionBudgetSpec } from "./deployment.ts";
import { apiPort, type EnvironmentArgs } from "./environment.ts";
import { labelsOf } from "./labels.ts";
import { Scaling } from "./scaling.ts";

export type ComponentArgs = Omit<DeploymentArgs, "component" | "ports" | "replicas" | "size"> & {
  readonly namespace: pulumi.Input<string>;
  readonly size: { readonly min: number; readonly max: number; readonly cpu: string; readonly memory: string };
  readonly tags: Tags;
};

export type ApiArgs = ComponentArgs & { readonly tls: EnvironmentArgs["tls"] };

/** What serves clients and takes what peers send: processes that know nothing of each other, as many as their CPUs need. */
export class Api extends pulumi.ComponentResource {
  constructor(name: string, args: ApiArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:workload:Api", name, {}, opts);
    const { namespace, tags, size, tls } = args;
    const metadata = { name: "api", namespace, labels: labelsOf(tags, "api") };
    const listening = { api: apiPort(tls), ...(tls !== null && { peers: ports.peers }) };
    const spec = deploymentSpec({ ...args, component: "api", replicas: size.min, ports: listening });
    // From then on the autoscaler counts.
    const ignoreChanges = ["spec.replicas"];
    const deployment = new k8s.apps.v1.Deployment(name, { metadata, spec }, { parent: this, ignoreChanges });
    new k8s.policy.v1.PodDisruptionBudget(name, { metadata, spec: disruptionBudgetSpec("api") }, { parent: this });
    const scaling = { namespace, component: "api", min: size.min, max: size.max, tags };
    new Scaling(`${name}-scaling`, scaling, { parent: this, dependsOn: [deployment] });
    this.registerOutputs({});
  }
}
