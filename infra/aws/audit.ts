import * as pulumi from "@pulumi/pulumi";
import { aws } from "../sdk/aws.cjs";
import { Bucket } from "./bucket.ts";
import type { EntityArgs } from "./entity.ts";
import { named, stackName } from "./names.ts";
import type { Network } from "./network.ts";
import { flowWrites, trailWrites } from "./resource-policies.ts";

export type AuditArgs = EntityArgs & {
  readonly key: pulumi.Output<string>;
  /** The network whose connections are noted; null for one that was given: its owner does. */
  readonly network: Network | null;
  /** Whose objects' every use is noted. */
  readonly watchedBucketArn: pulumi.Output<string>;
};

/**
 * Who did what in the account, and who talked to whom in the network. The trail cannot be changed by anybody for its days. What
 * is done to Kubernetes is in the cluster's own log group.
 */
export class Audit extends pulumi.ComponentResource {
  constructor(name: string, args: AuditArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:Audit", name, {}, opts);
    const { config, key, network, protect, tags } = args;
    const { accountId, region } = config;
    const parent = { parent: this };
    const trailName = stackName(128);
    const trailArn = `arn:aws:cloudtrail:${region}:${accountId}:trail/${trailName}`;
    const days = protect ? 365 : 30;
    const common = { key, protect, tags, keepDays: 7, expireDays: days };

    const trailBucket = new Bucket(
      `${name}-trail`,
      { ...common, lockDays: days, policy: (arn) => trailWrites(arn, accountId, trailArn) },
      parent,
    );
    new aws.cloudtrail.Trail(
      name,
      {
        name: trailName,
        s3BucketName: trailBucket.name,
        kmsKeyId: key,
        // Whoever gets in may work in a region where nobody looks.
        isMultiRegionTrail: true,
        includeGlobalServiceEvents: true,
        enableLogFileValidation: true,
        advancedEventSelectors: [
          { name: "Management", fieldSelectors: [{ field: "eventCategory", equals: ["Management"] }] },
          {
            name: "Backups",
            fieldSelectors: [
              { field: "eventCategory", equals: ["Data"] },
              { field: "resources.type", equals: ["AWS::S3::Object"] },
              { field: "resources.ARN", startsWiths: [pulumi.interpolate`${args.watchedBucketArn}/`] },
            ],
          },
        ],
        tags,
      },
      // CloudTrail writes a test object first.
      { ...parent, dependsOn: [trailBucket.ready] },
    );

    if (network !== null) {
      const flows = new Bucket(
        `${name}-flows`,
        { ...common, lockDays: null, expireDays: 90, policy: (arn) => flowWrites(arn, accountId, region) },
        parent,
      );
      new aws.ec2.FlowLog(
        name,
        {
          vpcId: network.vpcId,
          trafficType: "ALL",
          logDestinationType: "s3",
          logDestination: flows.arn,
          maxAggregationInterval: 600,
          destinationOptions: { fileFormat: "parquet", perHourPartition: true },
          tags: named(tags, name),
        },
        // Without rights AWS would write them into the bucket's policy itself, and the next `pulumi up` take them out.
        { ...parent, dependsOn: [flows.ready] },
      );
    }
    this.registerOutputs({});
  }
}
