import * as pulumi from "@pulumi/pulumi";
import { azure } from "../sdk/azure.cjs";
import { type Alarm, alarms } from "./alarm-rules.ts";
import type { Blobs } from "./blobs.ts";
import type { Cache } from "./cache.ts";
import type { Database } from "./database.ts";
import type { EntityArgs } from "./entity.ts";
import { located } from "./place.ts";
import type { Queue } from "./queue.ts";

export type AlarmsArgs = Pick<EntityArgs, "config" | "place"> & {
  readonly database: Database;
  readonly cache: Cache;
  /** Null when hints go through the database. */
  readonly queue: Queue | null;
  readonly blobs: Blobs;
};

/** Says when something is wrong that only Azure sees. Without an address alarms show in the portal alone. */
export class Alarms extends pulumi.ComponentResource {
  constructor(name: string, args: AlarmsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:Alarms", name, {}, opts);
    const { config, place } = args;
    const { email } = config.alarms;
    // Both kinds have no region.
    const at = { ...located(place), location: "global" };
    const receivers = email ? [{ name: "email", emailAddress: email, useCommonAlertSchema: true }] : [];
    const group = new azure.monitor.ActionGroup(
      name,
      { ...at, groupShortName: "skykv", enabled: true, emailReceivers: receivers },
      { parent: this },
    );
    for (const [word, alarm] of Object.entries<Alarm>(alarms)) {
      const watched = args[alarm.of];
      if (watched === null) continue;
      new azure.monitor.MetricAlert(
        word,
        {
          ...at,
          description: alarm.meaning,
          enabled: true,
          severity: alarm.severity,
          scopes: [watched.id],
          evaluationFrequency: "PT1M",
          windowSize: "PT5M",
          autoMitigate: true,
          criteria: criteria(alarm),
          actions: [{ actionGroupId: group.id }],
        },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}

function criteria({ metric, aggregation, operator, threshold }: Alarm): Criteria {
  return {
    odataType: "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
    allOf: [
      {
        criterionType: "StaticThresholdCriterion",
        name: "threshold",
        metricName: metric,
        timeAggregation: aggregation,
        operator,
        threshold,
      },
    ],
  };
}

type Criteria = azure.types.input.monitor.MetricAlertSingleResourceMultipleMetricCriteriaArgs;
