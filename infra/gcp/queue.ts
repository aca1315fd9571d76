import * as pulumi from "@pulumi/pulumi";
import type { Queue as Contract } from "../platform.ts";
import { gcp } from "../sdk/gcp.cjs";
import type { EntityArgs } from "./entity.ts";
import { type Identity, podPrincipal } from "./identity.ts";
import { agentMember } from "./service-agents.ts";

export type QueueArgs = EntityArgs & { readonly identity: Identity };

/** Hints for replicators: at least once, unordered. Losing one is harmless, the sweep finds the change. */
export class Queue extends pulumi.ComponentResource {
  readonly contract: Contract;
  readonly hints: gcp.pubsub.Subscription;
  /** What five replicators in turn could not handle. */
  readonly dead: gcp.pubsub.Subscription;

  constructor(name: string, args: QueueArgs, opts: pulumi.ComponentResourceOptions) {
    super("skykv:gcp:Queue", name, {}, opts);
    const { config, labels, services } = args;
    const key = args.keys.of("queue");
    const topic = (word: string) =>
      new gcp.pubsub.Topic(
        word,
        {
          kmsKeyName: key.id,
          messageStoragePolicy: { allowedPersistenceRegions: [config.region], enforceInTransit: true },
          labels,
        },
        // The agent encrypts with the key from the first moment on.
        { parent: this, dependsOn: [...services.of("pubsub"), ...key.grants] },
      );
    const subscription = (word: string, args: gcp.pubsub.SubscriptionArgs) =>
      // Without the empty ttl it would go after 31 days on which nobody read.
      new gcp.pubsub.Subscription(word, { expirationPolicy: { ttl: "" }, labels, ...args }, { parent: this });

    const hintsTopic = topic("hints");
    const deadTopic = topic("dead");
    this.dead = subscription("dead", { topic: deadTopic.id, messageRetentionDuration: `${7 * day}s` });
    this.hints = subscription("hints", {
      topic: hintsTopic.id,
      messageRetentionDuration: `${day}s`,
      ackDeadlineSeconds: 60,
      retryPolicy: { minimumBackoff: "10s", maximumBackoff: "600s" },
      deadLetterPolicy: { deadLetterTopic: deadTopic.id, maxDeliveryAttempts: 5 },
    });
    deadLetterRights(this.hints, deadTopic, config.projectNumber, this);
    rights(hintsTopic, this.hints, args, this);

    this.contract = { kind: "pubsub", topic: hintsTopic.id, subscription: this.hints.id };
    this.registerOutputs({});
  }
}

const day = 24 * 60 * 60;

/** Pub/Sub itself moves dead letters: it takes them from one subscription and publishes them to the other topic. */
function deadLetterRights(
  hints: gcp.pubsub.Subscription,
  dead: gcp.pubsub.Topic,
  projectNumber: string,
  parent: Queue,
) {
  const member = agentMember("pubsub", projectNumber);
  const take = { subscription: hints.id, role: "roles/pubsub.subscriber", member };
  new gcp.pubsub.SubscriptionIAMMember("pubsub-takes", take, { parent });
  new gcp.pubsub.TopicIAMMember(
    "pubsub-buries",
    { topic: dead.id, role: "roles/pubsub.publisher", member },
    { parent },
  );
}

/** Both write hints (the sweep of the replicator finds work for others), replicators take them, KEDA counts them. */
function rights(topic: gcp.pubsub.Topic, hints: gcp.pubsub.Subscription, args: QueueArgs, parent: Queue): void {
  const { config, identity, services } = args;
  for (const component of ["api", "replicator"] as const) {
    const publish = { topic: topic.id, role: "roles/pubsub.publisher", member: identity.member(component) };
    new gcp.pubsub.TopicIAMMember(`${component}-publishes`, publish, { parent });
  }
  const take = { subscription: hints.id, role: "roles/pubsub.subscriber", member: identity.member("replicator") };
  new gcp.pubsub.SubscriptionIAMMember("replicator-takes", take, { parent });
  new gcp.projects.IAMMember(
    "keda-counts",
    {
      project: config.project,
      // The length of a subscription is a metric, and metrics have no rights smaller than a project's.
      role: "roles/monitoring.viewer",
      member: podPrincipal(config.projectNumber, config.project, { namespace: "keda", name: "keda-operator" }),
    },
    // The pool that the member is in comes with the project's first cluster, which the accounts' pods wait for too.
    { parent, dependsOn: [...identity.ready, ...services.of("cloudresourcemanager")] },
  );
}
