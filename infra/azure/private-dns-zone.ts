import * as pulumi from "@pulumi/pulumi";
import { azure } from "../sdk/azure.cjs";
import { located, type Place } from "./place.ts";

export type PrivateDnsZoneArgs = {
  readonly place: Place;
  /** Such as `privatelink.blob.core.windows.net`. */
  readonly zone: string;
  readonly networkId: pulumi.Input<string>;
};

/** Names that mean private addresses, for those in the network. A network can be linked to one zone of a name. */
export class PrivateDnsZone extends pulumi.ComponentResource {
  readonly id: pulumi.Output<string>;
  /** From here on the network knows the names. */
  readonly link: pulumi.Resource;

  constructor(name: string, { place, zone, networkId }: PrivateDnsZoneArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:PrivateDnsZone", name, {}, opts);
    // Zones have no region.
    const at = { ...located(place), location: "global" };
    const created = new azure.privatedns.PrivateZone(name, { ...at, privateZoneName: zone }, { parent: this });
    this.link = new azure.privatedns.VirtualNetworkLink(
      name,
      { ...at, privateZoneName: created.name, virtualNetwork: { id: networkId }, registrationEnabled: false },
      { parent: this },
    );
    this.id = created.id;
    this.registerOutputs({ id: this.id });
  }
}
