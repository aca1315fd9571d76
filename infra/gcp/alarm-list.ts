/** When somebody should look, and at what. */
export type Alarm = {
  readonly title: string;
  /** What it means and what to do. */
  readonly advice: string;
  /** For Cloud Monitoring, given the name of what is watched. */
  readonly condition: (name: string) => Condition;
};

type Condition = {
  readonly displayName: string;
  readonly conditionThreshold: {
    readonly filter: string;
    readonly comparison: "COMPARISON_GT";
    readonly thresholdValue: number;
    /** In seconds, a multiple of 60: how long it must have been so. */
    readonly duration: string;
    readonly aggregations: { readonly alignmentPeriod: string; readonly perSeriesAligner: string }[];
  };
};

type Resource = { readonly type: string; readonly label: string };

const cloudSql: Resource = { type: "cloudsql_database", label: "database_id" };
const memorystore: Resource = { type: "memorystore.googleapis.com/Instance", label: "instance_id" };
const subscription: Resource = { type: "pubsub_subscription", label: "subscription_id" };

/** Ratios go from 0 to 1 here, though the console shows percent. */
export const databaseAlarms = {
  "database-cpu": alarm(cloudSql, "cloudsql.googleapis.com/database/cpu/utilization", 0.8, 15, {
    title: "the database has been busy for 15 minutes",
    advice: "More than 80 % of its CPUs. Look at Query Insights; `database.tier` has more of them.",
  }),
  "database-memory": alarm(cloudSql, "cloudsql.googleapis.com/database/memory/utilization", 0.9, 15, {
    title: "the database is short of memory",
    advice: "More than 90 % for 15 minutes; at 100 % it restarts. `database.tier` has more.",
  }),
  "database-disk": alarm(cloudSql, "cloudsql.googleapis.com/database/disk/utilization", 0.9, 15, {
    title: "the database's disk fills faster than it grows",
    advice: "More than 90 % for 15 minutes, though it grows by itself. Look for what writes so much.",
  }),
} satisfies Record<string, Alarm>;

export const cacheAlarms = {
  "cache-cpu": alarm(memorystore, "memorystore.googleapis.com/instance/cpu/maximum_utilization", 0.8, 15, {
    title: "a node of the cache has been busy for 15 minutes",
    advice: "More than 80 % of its CPU. `cache.shards` spreads the keys over more nodes.",
  }),
  "cache-memory": alarm(memorystore, "memorystore.googleapis.com/instance/memory/maximum_utilization", 0.9, 60, {
    title: "the cache has been full for an hour",
    advice:
      "Entries leave before they expire, and reads go to the database. `cache.nodeType` or `cache.shards` give it more.",
  }),
} satisfies Record<string, Alarm>;

export const queueAlarms = {
  age: alarm(subscription, "pubsub.googleapis.com/subscription/oldest_unacked_message_age", 600, 5, {
    title: "hints have been waiting for ten minutes",
    advice:
      "Replicators are down, or cannot reach a peer: this cloud's changes do not arrive elsewhere. Look at their logs.",
  }),
  dead: alarm(subscription, "pubsub.googleapis.com/subscription/num_undelivered_messages", 0, 0, {
    title: "a hint could not be handled",
    advice: "Five attempts failed. The sweep finds its change all the same; the replicators' logs say why.",
  }),
} satisfies Record<string, Alarm>;

function alarm(
  resource: Resource,
  metric: string,
  thresholdValue: number,
  minutes: number,
  words: Pick<Alarm, "title" | "advice">,
): Alarm {
  return {
    ...words,
    condition: (name) => ({
      displayName: words.title,
      conditionThreshold: {
        filter: `resource.type = "${resource.type}" AND resource.labels.${resource.label} = "${name}" AND metric.type = "${metric}"`,
        comparison: "COMPARISON_GT",
        thresholdValue,
        duration: `${minutes * 60}s`,
        aggregations: [{ alignmentPeriod: "60s", perSeriesAligner: "ALIGN_MAX" }],
      },
    }),
  };
}
