import * as pulumi from "@pulumi/pulumi";
import { aws } from "../sdk/aws.cjs";
import { type AlarmRule, brokerRules, cacheRules, databaseRules, deadLetterRules, queueRules } from "./alarm-rules.ts";
import type { Broker } from "./broker.ts";
import type { Cache } from "./cache.ts";
import type { Database } from "./database.ts";
import type { EntityArgs } from "./entity.ts";
import type { Queue } from "./queue.ts";
import { topicPolicy } from "./resource-policies.ts";

export type AlarmsArgs = EntityArgs & {
  readonly key: pulumi.Output<string>;
  readonly database: Database;
  readonly cache: Cache;
  readonly queue: Queue | null;
  readonly broker: Broker | null;
};

/** Alarms on what only AWS sees. */
export class Alarms extends pulumi.ComponentResource {
  constructor(name: string, args: AlarmsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:aws:Alarms", name, {}, opts);
    const { broker, cache, config, database, key, queue, tags } = args;
    const parent = { parent: this };
    const topic = new aws.sns.Topic(name, { kmsMasterKeyId: key, tags }, parent);
    new aws.sns.TopicPolicy(
      name,
      { arn: topic.arn, policy: topic.arn.apply((arn) => topicPolicy(arn, config.accountId)) },
      parent,
    );
    const { email } = config.alarms;
    if (email !== undefined) {
      new aws.sns.TopicSubscription(name, { topic: topic.arn, protocol: "email", endpoint: email }, parent);
    }

    const watch = (
      word: string,
      rules: Readonly<Record<string, AlarmRule>>,
      dimensions: Record<string, pulumi.Input<string>>,
    ) => {
      for (const [rule, { description, minutes, ...metric }] of Object.entries(rules)) {
        new aws.cloudwatch.MetricAlarm(
          `${word}-${rule}`,
          {
            ...metric,
            alarmDescription: description,
            dimensions,
            comparisonOperator: "GreaterThanThreshold",
            period: 60,
            evaluationPeriods: minutes,
            treatMissingData: "notBreaching",
            alarmActions: [topic.arn],
            okActions: [topic.arn],
            tags,
          },
          parent,
        );
      }
    };
    watch("database", databaseRules, { DBClusterIdentifier: database.clusterName });
    for (const [node, CacheClusterId] of Object.entries(cache.nodes))
      watch(`cache-${node}`, cacheRules, { CacheClusterId });
    if (queue !== null) {
      watch("queue", queueRules, { QueueName: queue.name });
      watch("queue", deadLetterRules, { QueueName: queue.deadName });
    }
    if (broker !== null) watch("broker", brokerRules, { Broker: broker.name });
    this.registerOutputs({});
  }
}
