import * as pulumi from "@pulumi/pulumi";
import { aws } from "../sdk/aws.cjs";
import type { EntityArgs } from "./entity.ts";
import { document, tlsOnly } from "./policy.ts";

export type QueueArgs = Pick<EntityArgs, "tags"> & {
  /** SQS calls it once per `dataKeyReuse`, which is what it costs. */
  readonly key: pulumi.Output<string>;
};

/** Hints for replicators by SQS: at least once, unordered. Losing one is harmless, the sweep finds the change. */
export class Queue extends pulumi.ComponentResource {
  readonly url: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;
  readonly name: pulumi.Output<string>;
  /** Hints that failed again and again. */
  readonly deadName: pulumi.Output<string>;

  constructor(name: string, { key, tags }: QueueArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:Queue", name, {}, opts);
    const parent = { parent: this };
    const shared = { kmsMasterKeyId: key, kmsDataKeyReusePeriodSeconds: dataKeyReuse, tags };

    const dead = new aws.sqs.Queue(`${name}-dead`, { ...shared, messageRetentionSeconds: 14 * day }, parent);
    const hints = new aws.sqs.Queue(
      `${name}-hints`,
      {
        ...shared,
        messageRetentionSeconds: day,
        visibilityTimeoutSeconds: 60,
        receiveWaitTimeSeconds: 20,
        redrivePolicy: pulumi.jsonStringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 5 }),
      },
      parent,
    );
    new aws.sqs.RedriveAllowPolicy(
      `${name}-dead`,
      {
        queueUrl: dead.url,
        redriveAllowPolicy: pulumi.jsonStringify({ redrivePermission: "byQueue", sourceQueueArns: [hints.arn] }),
      },
      parent,
    );
    for (const [role, { url, arn }] of Object.entries({ dead, hints })) {
      const policy = arn.apply((arn) => document([tlsOnly("sqs", arn)]));
      new aws.sqs.QueuePolicy(`${name}-${role}`, { queueUrl: url, policy }, parent);
    }

    this.url = hints.url;
    this.arn = hints.arn;
    this.name = hints.name;
    this.deadName = dead.name;
    this.registerOutputs({ url: this.url, arn: this.arn });
  }
}

const day = 24 * 60 * 60;

/** 12 hours instead of the default 5 minutes: KMS calls fall by 144, the data key never leaves SQS. */
const dataKeyReuse = 12 * 60 * 60;
