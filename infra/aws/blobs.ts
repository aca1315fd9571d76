import * as pulumi from "@pulumi/pulumi";
import { Bucket } from "./bucket.ts";
import type { EntityArgs } from "./entity.ts";
import { createOnly } from "./resource-policies.ts";

export type BlobsArgs = EntityArgs & { readonly key: pulumi.Output<string> };

/** Values above 1 MiB, and what other clouds leave here as backups. */
export class Blobs extends pulumi.ComponentResource {
  readonly values: Bucket;
  readonly backups: Bucket;

  constructor(name: string, { config, key, protect, tags }: BlobsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:Blobs", name, {}, opts);
    const keepDays = config.database.backupDays;
    const common = { key, protect, tags, keepDays };
    // A database that is restored to a point in time refers to values that were deleted since: they are kept as long.
    this.values = new Bucket(
      `${name}-values`,
      { ...common, lockDays: null, expireDays: null, policy: () => [] },
      { parent: this },
    );
    this.backups = new Bucket(
      `${name}-backups`,
      { ...common, lockDays: keepDays, expireDays: 2 * keepDays, policy: createOnly },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
