import type * as pulumi from "@pulumi/pulumi";
import type { EntityArgs } from "./entity.ts";

/** What every bucket here has: one region, rights on the bucket alone, never public, our key. */
export function bucketArgs(
  { config, labels, protect }: Pick<EntityArgs, "config" | "labels" | "protect">,
  keyId: pulumi.Input<string>,
) {
  return {
    // In capitals, as Cloud Storage gives it back; a change of it would replace the bucket.
    location: config.region.toUpperCase(),
    uniformBucketLevelAccess: true,
    publicAccessPrevention: "enforced",
    encryption: { defaultKmsKeyName: keyId },
    // Undo for a deletion by mistake, of the bucket too: 7 days.
    softDeletePolicy: { retentionDurationSeconds: 7 * 24 * 60 * 60 },
    forceDestroy: !protect,
    labels,
  };
}
