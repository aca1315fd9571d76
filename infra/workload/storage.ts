import * as pulumi from "@pulumi/pulumi";
import type { Blobs } from "../platform.ts";
import { k8s } from "../sdk/k8s.cjs";
import type { Tags } from "../tags.ts";
import { labelsOf } from "./labels.ts";

export type StorageArgs = {
  readonly namespace: pulumi.Input<string>;
  readonly volume: Extract<Blobs, { kind: "volume" }>;
  readonly protect: boolean;
  readonly tags: Tags;
};

/** The volume for values above 1 MiB, where there is no object storage. */
export class Storage extends pulumi.ComponentResource {
  readonly claim: pulumi.Output<string>;

  constructor(name: string, args: StorageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:workload:Storage", name, {}, opts);
    const { size, storageClass, accessMode } = args.volume;
    const claim = new k8s.core.v1.PersistentVolumeClaim(
      name,
      {
        metadata: {
          name: "blobs",
          namespace: args.namespace,
          labels: labelsOf(args.tags),
          // Many classes make the volume with the first pod that mounts it, which waits for this.
          annotations: { "pulumi.com/skipAwait": "true" },
        },
        spec: {
          accessModes: [accessMode],
          resources: { requests: { storage: size } },
          ...(storageClass !== null && { storageClassName: storageClass }),
        },
      },
      { parent: this, protect: args.protect, ignoreChanges: claimIgnores },
    );
    this.claim = claim.metadata.name;
    this.registerOutputs({ claim: this.claim });
  }
}

/** Pulumi replaces a claim to make it larger, and what it holds is gone. Whoever wants more asks Kubernetes, which grows it in place. */
export const claimIgnores = ["spec.resources"];
