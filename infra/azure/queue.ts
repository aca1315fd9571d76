import * as pulumi from "@pulumi/pulumi";
import type { Platform } from "../platform.ts";
import { azure } from "../sdk/azure.cjs";
import { report } from "./audit.ts";
import type { EntityArgs } from "./entity.ts";
import type { Identities } from "./identities.ts";
import type { Identity } from "./identity.ts";
import { KeyUser } from "./key.ts";
import { located } from "./place.ts";
import { PrivateEndpoint } from "./private-endpoint.ts";
import { namespaceArgs, queueSettings } from "./queue-profile.ts";
import { grant, type Role } from "./roles.ts";

export type QueueArgs = EntityArgs & { readonly identities: Identities };

/**
 * Hints for replicators on Service Bus: at least once, unordered. Losing one is harmless, the sweep finds the change; so
 * it is not protected.
 */
export class Queue extends pulumi.ComponentResource {
  readonly contract: Platform["queue"];
  /** Resource id of the namespace. */
  readonly id: pulumi.Output<string>;
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: QueueArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:Queue", name, {}, opts);
    const { place, network, dns, identities } = args;
    const key = args.keys.for.queue;
    const { subscriptionId, workspaceId } = place;
    const user = new KeyUser(name, { place, key }, { parent: this });
    const namespace = new azure.servicebus.Namespace(
      name,
      {
        ...located(place),
        ...namespaceArgs(key, user),
      },
      { parent: this, dependsOn: [user] },
    );
    const hints = new azure.servicebus.Queue(
      "hints",
      { resourceGroupName: place.group.name, namespaceName: namespace.name, queueName: "hints", ...queueSettings },
      { parent: this },
    );
    const endpoint = new PrivateEndpoint(
      name,
      { place, target: namespace.id, groupId: "namespace", subnetId: network.subnets.endpoints, zone: dns.zones.queue },
      { parent: this },
    );
    const may = (word: string, role: Role, { principalId }: Identity) =>
      grant(
        `${name}-${word}`,
        { subscriptionId, role, scope: hints.id, principalId, principalType: "ServicePrincipal" },
        { parent: this },
      );
    const rights = [
      may("api-sends", "serviceBusDataSender", identities.of.api),
      may("replicator-receives", "serviceBusDataReceiver", identities.of.replicator),
      // It takes a window of changes at a time, and leaves a hint for the next.
      may("replicator-sends", "serviceBusDataSender", identities.of.replicator),
      // How long the queue is can be asked by its owner alone; KEDA's identity can do nothing else anywhere.
      may("scaler-counts", "serviceBusDataOwner", identities.scaler!),
    ];
    report(
      name,
      { target: namespace.id, workspaceId, logs: ["OperationalLogs", "RuntimeAuditLogs"], metrics: true },
      { parent: this },
    );

    this.id = namespace.id;
    this.contract = { kind: "servicebus", namespace: namespace.name, queue: hints.name };
    this.ready = [...endpoint.ready, ...rights];
    this.registerOutputs({ id: this.id });
  }
}
