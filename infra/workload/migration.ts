import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { k8s } from "../sdk/k8s.cjs";
import type { Tags } from "../tags.ts";
import { labelsOf } from "./labels.ts";
import { type PodArgs, podTemplate } from "./pod.ts";

export type MigrationArgs = Pick<PodArgs, "image" | "environment" | "identity"> & {
  readonly namespace: pulumi.Input<string>;
  readonly tags: Tags;
};

/**
 * Brings the schema up to date before a new image serves. It runs once for what it runs: its name is made of its pod, image by
 * digest and settings included, so the same deployed again changes nothing and another one is another Job.
 */
export class Migration extends pulumi.ComponentResource {
  constructor(name: string, args: MigrationArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:workload:Migration", name, {}, opts);
    const { namespace, tags } = args;
    const template = podTemplate({
      ...args,
      component: "migration",
      size: { cpu: "250m", memory: "512Mi" },
      claim: null,
      container: {},
      pod: { restartPolicy: "Never" },
    });
    const jobName = pulumi.jsonStringify(template).apply((text) => `migration-${fingerprint(text)}`);
    new k8s.batch.v1.Job(
      name,
      {
        metadata: { name: jobName, namespace, labels: labelsOf(tags, "migration") },
        // Not deleted when it is done: Pulumi would miss it and run it again.
        spec: { backoffLimit: 3, activeDeadlineSeconds: 900, template },
      },
      { parent: this, customTimeouts: { create: "20m" } },
    );
    this.registerOutputs({});
  }
}

/** 40 bits: enough to tell the images of one installation apart. */
export function fingerprint(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 10);
}
