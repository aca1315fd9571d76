import * as pulumi from "@pulumi/pulumi";
import { azure } from "../sdk/azure.cjs";
import { located, type Place } from "./place.ts";
import type { PrivateDnsZone } from "./private-dns-zone.ts";

export type PrivateEndpointArgs = {
  readonly place: Place;
  /** Resource id of the service. */
  readonly target: pulumi.Input<string>;
  /** Which of its parts: each service has its own word. */
  readonly groupId: "blob" | "namespace" | "redisEnterprise" | "registry" | "vault";
  readonly subnetId: pulumi.Input<string>;
  readonly zone: PrivateDnsZone;
};

/** A service's address inside of the network, and its name there. */
export class PrivateEndpoint extends pulumi.ComponentResource {
  /**
   * Records and link: before these a client that asks for the service's name gets the public address, which leads
   * nowhere, and may keep it.
   */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: PrivateEndpointArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:PrivateEndpoint", name, {}, opts);
    const { place, target, groupId, subnetId, zone } = args;
    const at = located(place);
    const endpoint = new azure.network.PrivateEndpoint(
      name,
      {
        ...at,
        subnet: { id: subnetId },
        privateLinkServiceConnections: [{ name, privateLinkServiceId: target, groupIds: [groupId] }],
      },
      { parent: this },
    );
    const records = new azure.network.PrivateDnsZoneGroup(
      name,
      {
        resourceGroupName: at.resourceGroupName,
        privateEndpointName: endpoint.name,
        privateDnsZoneGroupName: "default",
        privateDnsZoneConfigs: [{ name: "default", privateDnsZoneId: zone.id }],
      },
      { parent: this },
    );
    this.ready = [records, zone.link];
    this.registerOutputs({});
  }
}
