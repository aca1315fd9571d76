/** What KEDA looks at to tell how many replicators are needed. Names and meanings are those of its scalers, version 2.21. */
import * as pulumi from "@pulumi/pulumi";
import type { Queue, Scaler, WorkloadPlatform } from "../platform.ts";
import type { Bundle, Item } from "./bundles.ts";
import { targetUtilization } from "./scaling.ts";

export type Trigger = {
  readonly type: string;
  readonly metricType?: "Utilization";
  readonly metadata: Readonly<Record<string, pulumi.Input<string>>>;
};

/** Hints that one replicator works off while new ones come: each wakes it once, however much has changed. */
const hintsPerReplicator = "20";

/** The queue that the service declares in RabbitMQ. */
const hintsQueue = (cloud: WorkloadPlatform["cloud"]) => `hints.${cloud}`;

/**
 * With the queue in PostgreSQL the CPU is looked at: KEDA would need a password for the database, and there is none where
 * components log in by identity.
 */
export function triggerOf({ queue, cloud }: Pick<WorkloadPlatform, "queue" | "cloud">): Trigger {
  switch (queue.kind) {
    case "postgres":
      return { type: "cpu", metricType: "Utilization", metadata: { value: `${targetUtilization}` } };
    case "sqs":
      return {
        type: "aws-sqs-queue",
        metadata: { queueURL: queue.url, awsRegion: queue.region, queueLength: hintsPerReplicator },
      };
    case "pubsub":
      return {
        type: "gcp-pubsub",
        metadata: {
          subscriptionName: queue.subscription,
          mode: "NumUndeliveredMessages",
          value: hintsPerReplicator,
        },
      };
    case "servicebus":
      return {
        type: "azure-servicebus",
        metadata: { namespace: queue.namespace, queueName: queue.queue, messageCount: hintsPerReplicator },
      };
    case "rabbitmq":
      return {
        type: "rabbitmq",
        metadata: {
          host: pulumi.interpolate`amqp${queue.tls ? "s" : ""}://${queue.host}:${queue.port}/`,
          queueName: hintsQueue(cloud),
          mode: "QueueLength",
          value: hintsPerReplicator,
        },
      };
  }
}

/** How KEDA proves to the queue who it is: the spec of a TriggerAuthentication. Null where it asks none. */
export function authenticationOf(queue: Queue, { clientId }: Scaler) {
  switch (queue.kind) {
    case "postgres":
      return null;
    case "sqs":
      return { podIdentity: { provider: "aws" } };
    case "pubsub":
      return { podIdentity: { provider: "gcp" } };
    case "servicebus":
      return { podIdentity: { provider: "azure-workload", ...(clientId !== null && { identityId: clientId }) } };
    case "rabbitmq":
      return { secretTargetRef: [fromSecret("username", "user"), fromSecret("password", "password")] };
  }
}

function fromSecret(parameter: string, key: Item<"queue">) {
  return { parameter, name: "queue" satisfies Bundle, key };
}
