export type Alarm = {
  readonly of: "database" | "cache" | "queue" | "blobs";
  /** As Azure Monitor names it. */
  readonly metric: string;
  readonly aggregation: "Average" | "Maximum" | "Minimum" | "Total";
  readonly operator: "GreaterThan" | "LessThan";
  readonly threshold: number;
  /** 1: somebody must get up. 2: somebody must look today. */
  readonly severity: 1 | 2;
  readonly meaning: string;
};

/** What is watched over five minutes, by a stable word. Percent where the metric says so, else counts. */
export const alarms = {
  "database-down": {
    of: "database",
    metric: "is_db_alive",
    aggregation: "Maximum",
    operator: "LessThan",
    threshold: 1,
    severity: 1,
    meaning: "The database does not answer. This cloud takes no writes; the edge sends traffic to the others.",
  },
  "database-storage": {
    of: "database",
    metric: "storage_percent",
    aggregation: "Maximum",
    operator: "GreaterThan",
    threshold: 80,
    severity: 1,
    meaning: "The database's storage fills up. It grows by itself; a server at 95 % that cannot grow is read-only.",
  },
  "database-cpu": {
    of: "database",
    metric: "cpu_percent",
    aggregation: "Average",
    operator: "GreaterThan",
    threshold: 80,
    severity: 2,
    meaning: "The database is near its limit: it could not take over the load of another cloud.",
  },
  "database-connections": {
    of: "database",
    metric: "connections_failed",
    aggregation: "Total",
    operator: "GreaterThan",
    threshold: 20,
    severity: 2,
    meaning: "Logins to the database fail: an identity without its role, or too many connections.",
  },
  "cache-memory": {
    of: "cache",
    metric: "usedmemorypercentage",
    aggregation: "Maximum",
    operator: "GreaterThan",
    threshold: 90,
    severity: 2,
    meaning: "The cache is full and throws out what is still read: reads go to the database.",
  },
  "cache-cpu": {
    of: "cache",
    metric: "percentProcessorTime",
    aggregation: "Maximum",
    operator: "GreaterThan",
    threshold: 85,
    severity: 2,
    meaning: "The cache is near its limit.",
  },
  "queue-dead-letters": {
    of: "queue",
    metric: "DeadletteredMessages",
    aggregation: "Maximum",
    operator: "GreaterThan",
    threshold: 0,
    severity: 2,
    meaning: "Replicators gave up on hints. Nothing is lost: the sweep finds the changes, later.",
  },
  "queue-backlog": {
    of: "queue",
    metric: "ActiveMessages",
    aggregation: "Average",
    operator: "GreaterThan",
    threshold: 10_000,
    severity: 1,
    meaning: "Replicators do not keep up: the other clouds fall behind this one.",
  },
  "blobs-availability": {
    of: "blobs",
    metric: "Availability",
    aggregation: "Average",
    operator: "LessThan",
    threshold: 99,
    severity: 1,
    meaning: "Values above 1 MiB cannot be read or written reliably.",
  },
} as const satisfies Readonly<Record<string, Alarm>>;
