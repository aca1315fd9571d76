import * as pulumi from "@pulumi/pulumi";
import type { Blobs as Contract } from "../platform.ts";
import { gcp } from "../sdk/gcp.cjs";
import { bucketArgs } from "./bucket.ts";
import type { EntityArgs } from "./entity.ts";
import type { Identity } from "./identity.ts";

export type BlobsArgs = EntityArgs & { readonly identity: Identity };

/** Values above 1 MiB, and a place where the other clouds put their backups. */
export class Blobs extends pulumi.ComponentResource {
  readonly contract: Contract;
  /** The bucket's name. */
  readonly backups: pulumi.Output<string>;

  constructor(name: string, args: BlobsArgs, opts: pulumi.ComponentResourceOptions) {
    super("skykv:gcp:Blobs", name, {}, opts);
    const { protect, services, identity } = args;
    const key = args.keys.of("blobs");
    const options = {
      parent: this,
      protect,
      // The agent encrypts with the key; a bucket whose key it cannot use is refused.
      dependsOn: [...services.of("storage"), ...key.grants],
    };
    const values = new gcp.storage.Bucket(
      "skykv-blobs",
      { ...bucketArgs(args, key.id), versioning: { enabled: true }, lifecycleRules: [dropOldVersions, dropLeftovers] },
      options,
    );
    const backups = new gcp.storage.Bucket(
      "skykv-backups",
      {
        ...bucketArgs(args, key.id),
        // Whoever takes over another cloud can add to its backups here, but neither change nor delete one for 30 days.
        retentionPolicy: { retentionPeriod: `${30 * day}` },
        lifecycleRules: [dropOldBackups, dropLeftovers],
      },
      options,
    );
    for (const component of ["api", "replicator"] as const) {
      new gcp.storage.BucketIAMMember(
        component,
        { bucket: values.name, role: "roles/storage.objectUser", member: identity.member(component) },
        { parent: this },
      );
    }
    this.contract = { kind: "gcs", bucket: values.name };
    this.backups = backups.name;
    this.registerOutputs({ backups: this.backups });
  }
}

const day = 24 * 60 * 60;

/** What was overwritten or deleted can be had back for so long. */
const dropOldVersions = {
  action: { type: "Delete" },
  condition: { daysSinceNoncurrentTime: 30, withState: "ARCHIVED" },
};

const dropOldBackups = { action: { type: "Delete" }, condition: { age: 90 } };

/** Parts of uploads that were never finished. */
const dropLeftovers = { action: { type: "AbortIncompleteMultipartUpload" }, condition: { age: 7 } };
