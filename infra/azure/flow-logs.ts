import * as pulumi from "@pulumi/pulumi";
import { azure } from "../sdk/azure.cjs";
import type { EntityArgs } from "./entity.ts";
import { located } from "./place.ts";
import { grant } from "./roles.ts";
import { StorageAccount } from "./storage-account.ts";

export type FlowLogsArgs = Pick<EntityArgs, "place" | "network" | "keys">;

/**
 * Who talked to whom in the network. Logs of the whole network: those of single security groups can no longer be made.
 * They are written by an identity, since the account takes no shared keys.
 */
export class FlowLogs extends pulumi.ComponentResource {
  constructor(name: string, { place, network, keys }: FlowLogsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:FlowLogs", name, {}, opts);
    const at = located(place);
    const account = new StorageAccount(
      name,
      { place, key: keys.for.logs, allowedAddresses: null, retentionDays, lasting: false },
      { parent: this },
    );
    const writer = new azure.managedidentity.UserAssignedIdentity(`${name}-writer`, at, { parent: this });
    const right = grant(
      `${name}-writer`,
      {
        subscriptionId: place.subscriptionId,
        role: "blobDataContributor",
        scope: account.id,
        principalId: writer.principalId,
        principalType: "ServicePrincipal",
      },
      { parent: this },
    );
    new azure.network.FlowLog(
      name,
      {
        // Azure makes one watcher in each region with a network, and this group for all of them.
        resourceGroupName: "NetworkWatcherRG",
        networkWatcherName: `NetworkWatcher_${place.region}`,
        location: place.region,
        tags: at.tags,
        targetResourceId: network.id,
        storageId: account.id,
        enabled: true,
        format: { type: "JSON", version: 2 },
        // The account drops them in time. This would write rules of its own over the account's.
        retentionPolicy: { enabled: false, days: 0 },
        identity: { type: "UserAssigned", userAssignedIdentities: [writer.id] },
        flowAnalyticsConfiguration: {
          networkWatcherFlowAnalyticsConfiguration: {
            enabled: true,
            workspaceResourceId: place.workspaceId,
            trafficAnalyticsInterval: 60,
          },
        },
      },
      { parent: this, dependsOn: [right] },
    );
    this.registerOutputs({});
  }
}

const retentionDays = 30;
