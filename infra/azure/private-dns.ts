import * as pulumi from "@pulumi/pulumi";
import type { Place } from "./place.ts";
import { PrivateDnsZone } from "./private-dns-zone.ts";

/** By the services whose names are in them, as Azure has fixed them. */
export const zones = {
  blobs: "privatelink.blob.core.windows.net",
  cache: "privatelink.redis.azure.net",
  queue: "privatelink.servicebus.windows.net",
  registry: "privatelink.azurecr.io",
  vaults: "privatelink.vaultcore.azure.net",
} as const;
type ZoneWord = keyof typeof zones;

export type PrivateDnsArgs = { readonly place: Place; readonly networkId: pulumi.Input<string> };

/** The zones of the services' private endpoints. */
export class PrivateDns extends pulumi.ComponentResource {
  readonly zones: Readonly<Record<ZoneWord, PrivateDnsZone>>;

  constructor(name: string, { place, networkId }: PrivateDnsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:PrivateDns", name, {}, opts);
    this.zones = Object.fromEntries(
      Object.entries(zones).map(([word, zone]) => [
        word,
        new PrivateDnsZone(word, { place, zone, networkId }, { parent: this }),
      ]),
    ) as Record<ZoneWord, PrivateDnsZone>;
    this.registerOutputs({});
  }
}
