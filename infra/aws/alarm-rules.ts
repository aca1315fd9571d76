/** When people are told. What the service sees of itself is not here: it has metrics of its own. */
export type AlarmRule = {
  readonly description: string;
  readonly namespace: string;
  readonly metricName: string;
  readonly statistic: "Average" | "Maximum" | "Sum";
  /** Told when above it. */
  readonly threshold: number;
  /** Minutes for which it must be so. */
  readonly minutes: number;
};

export const databaseRules: Readonly<Record<string, AlarmRule>> = {
  capacity: {
    description: "The database is at its largest size: raise skykv:database.maxCapacity",
    namespace: "AWS/RDS",
    metricName: "ACUUtilization",
    statistic: "Average",
    threshold: 90,
    minutes: 15,
  },
  "transaction-ids": {
    description: "Transaction ids run out: vacuum does not keep up, and at two billion the database stops",
    namespace: "AWS/RDS",
    metricName: "MaximumUsedTransactionIDs",
    statistic: "Maximum",
    threshold: 1_000_000_000,
    minutes: 15,
  },
};

export const queueRules: Readonly<Record<string, AlarmRule>> = {
  age: {
    description: "Replicators do not take hints: other clouds learn of changes by the sweep alone",
    namespace: "AWS/SQS",
    metricName: "ApproximateAgeOfOldestMessage",
    statistic: "Maximum",
    threshold: 300,
    minutes: 5,
  },
};

export const deadLetterRules: Readonly<Record<string, AlarmRule>> = {
  "dead-letters": {
    description: "Hints failed again and again",
    namespace: "AWS/SQS",
    metricName: "ApproximateNumberOfMessagesVisible",
    statistic: "Maximum",
    threshold: 0,
    minutes: 5,
  },
};

export const brokerRules: Readonly<Record<string, AlarmRule>> = {
  messages: {
    description: "Replicators do not take hints: other clouds learn of changes by the sweep alone",
    namespace: "AWS/AmazonMQ",
    metricName: "MessageCount",
    statistic: "Maximum",
    threshold: 10_000,
    minutes: 5,
  },
};

/** A full cache is no trouble: it forgets what nobody read for long. */
export const cacheRules: Readonly<Record<string, AlarmRule>> = {
  cpu: {
    description: "A node of the cache is busy all the time: add shards",
    namespace: "AWS/ElastiCache",
    metricName: "EngineCPUUtilization",
    statistic: "Average",
    threshold: 80,
    minutes: 15,
  },
  logins: {
    description: "Logins to the cache are refused",
    namespace: "AWS/ElastiCache",
    metricName: "AuthenticationFailures",
    statistic: "Sum",
    threshold: 10,
    minutes: 5,
  },
};
