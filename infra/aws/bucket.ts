import * as pulumi from "@pulumi/pulumi";
import { aws } from "../sdk/aws.cjs";
import type { EntityArgs } from "./entity.ts";
import { document, type Statement, tlsOnly } from "./policy.ts";

export type BucketArgs = Pick<EntityArgs, "tags" | "protect"> & {
  readonly key: pulumi.Output<string>;
  /** Objects can be neither changed nor deleted for so many days; null: they can. Fixed for the bucket's life whether at all. */
  readonly lockDays: number | null;
  /** Objects are deleted after so many days; null: never. */
  readonly expireDays: number | null;
  /** Days for which what was overwritten or deleted can be brought back. */
  readonly keepDays: number;
  /** What the bucket's policy says besides TLS. */
  readonly policy: (bucketArn: string) => readonly Statement[];
};

/** A bucket that only this account reaches: versioned, under our key, by TLS. */
export class Bucket extends pulumi.ComponentResource {
  readonly name: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;
  /** Services check at once whether they may write: they come after it. */
  readonly ready: pulumi.Resource;

  constructor(name: string, args: BucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:Bucket", name, {}, opts);
    const { key, lockDays, protect, tags } = args;
    const bucketArgs = { objectLockEnabled: lockDays !== null, forceDestroy: !protect, tags };
    const { bucket, arn } = new aws.s3.Bucket(name, bucketArgs, { parent: this, protect });
    const parent = { parent: this };

    const versioning = new aws.s3.BucketVersioning(
      name,
      { bucket, versioningConfiguration: { status: "Enabled" } },
      parent,
    );
    const byDefault = { sseAlgorithm: "aws:kms", kmsMasterKeyId: key };
    // A key for the bucket instead of one call of KMS for each object.
    const rules = [{ applyServerSideEncryptionByDefault: byDefault, bucketKeyEnabled: true }];
    new aws.s3.BucketServerSideEncryptionConfiguration(name, { bucket, rules }, parent);
    const owner = { objectOwnership: "BucketOwnerEnforced" };
    new aws.s3.BucketOwnershipControls(name, { bucket, rule: owner }, parent);
    const block = new aws.s3.BucketPublicAccessBlock(name, { bucket, ...nothingPublic }, parent);
    // S3 refuses two changes of a bucket's policy and its block at once.
    const policy = new aws.s3.BucketPolicy(
      name,
      { bucket, policy: arn.apply((arn) => document([tlsOnly("s3", arn, `${arn}/*`), ...args.policy(arn)])) },
      { ...parent, dependsOn: [block] },
    );
    // Rules on old versions mean nothing before there are versions.
    const afterVersioning = { ...parent, dependsOn: [versioning] };
    new aws.s3.BucketLifecycleConfiguration(name, { bucket, rules: lifecycle(args) }, afterVersioning);
    if (lockDays !== null) {
      const rule = { defaultRetention: { mode: protect ? "COMPLIANCE" : "GOVERNANCE", days: lockDays } };
      new aws.s3.BucketObjectLockConfiguration(name, { bucket, rule }, afterVersioning);
    }

    this.name = bucket;
    this.arn = arn;
    this.ready = policy;
    this.registerOutputs({ name: this.name, arn: this.arn });
  }
}

const nothingPublic = {
  blockPublicAcls: true,
  blockPublicPolicy: true,
  ignorePublicAcls: true,
  restrictPublicBuckets: true,
};

/** When S3 removes what nobody needs any more. */
export function lifecycle({ expireDays, keepDays }: Pick<BucketArgs, "expireDays" | "keepDays">) {
  return [
    {
      id: "old-versions",
      status: "Enabled",
      filter: { prefix: "" },
      noncurrentVersionExpiration: { noncurrentDays: keepDays },
      abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
    },
    ...(expireDays === null
      ? []
      : [{ id: "old-objects", status: "Enabled", filter: { prefix: "" }, expiration: { days: expireDays } }]),
  ];
}
