import * as pulumi from "@pulumi/pulumi";
import { gcp } from "../sdk/gcp.cjs";
import { type Alarm, cacheAlarms, databaseAlarms, queueAlarms } from "./alarm-list.ts";
import type { Cache } from "./cache.ts";
import type { Database } from "./database.ts";
import type { EntityArgs } from "./entity.ts";
import type { Queue } from "./queue.ts";

export type AlarmsArgs = EntityArgs & {
  readonly database: Database;
  readonly cache: Cache;
  /** Null when hints go through the database. */
  readonly queue: Queue | null;
};

/** What only the cloud sees: how full and how busy its services are. The cluster's own monitoring sees the rest. */
export class Alarms extends pulumi.ComponentResource {
  constructor(name: string, args: AlarmsArgs, opts: pulumi.ComponentResourceOptions) {
    super("skykv:gcp:Alarms", name, {}, opts);
    const { config, labels, services, database, cache, queue } = args;
    const options = { parent: this, dependsOn: services.of("monitoring") };
    const { email } = config.alarms;
    const channels =
      email === undefined
        ? []
        : [
            new gcp.monitoring.NotificationChannel(
              "email",
              { type: "email", displayName: email, labels: { email_address: email }, userLabels: labels },
              options,
            ),
          ];
    const raise = (alarms: Readonly<Record<string, Alarm>>, instance: pulumi.Input<string>) => {
      for (const [word, alarm] of Object.entries(alarms)) {
        const conditions = [pulumi.output(instance).apply(alarm.condition)];
        new gcp.monitoring.AlertPolicy(
          word,
          {
            displayName: `SkyKV ${pulumi.getStack()}: ${alarm.title}`,
            combiner: "OR",
            conditions,
            documentation: { content: alarm.advice, mimeType: "text/markdown" },
            notificationChannels: channels.map(({ id }) => id),
            userLabels: labels,
          },
          options,
        );
      }
    };
    raise(databaseAlarms, pulumi.interpolate`${config.project}:${database.instance}`);
    raise(cacheAlarms, cache.instance);
    if (queue !== null) {
      raise({ "queue-age": queueAlarms.age }, queue.hints.name);
      raise({ "queue-dead": queueAlarms.dead }, queue.dead.name);
    }
    this.registerOutputs({});
  }
}
