import * as pulumi from "@pulumi/pulumi";
import type { AzureConfig } from "../config/azure.ts";
import { existingKey, type Key, KeyUser } from "./key.ts";
import { KeyVault } from "./key-vault.ts";
import { newKey } from "./keys.ts";
import { pairedRegion } from "./paired-region.ts";
import type { Place } from "./place.ts";

export type GeoBackupKeyArgs = { readonly config: AzureConfig; readonly place: Place };

/** Backups that lie in the paired region want key, vault and identity of that region. */
export class GeoBackupKey extends pulumi.ComponentResource {
  readonly key: Key;
  readonly user: KeyUser;

  constructor(name: string, args: GeoBackupKeyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:GeoBackupKey", name, {}, opts);
    // The configuration has no geo-redundant backups where there is no such region.
    const place = { ...args.place, region: pairedRegion(args.place.region)! };
    this.key = args.config.key
      ? existingKey(args.config.key.paired!, { parent: this })
      : newKey(name, place, new KeyVault("paired", { place }, { parent: this }), { parent: this });
    this.user = new KeyUser(name, { place, key: this.key }, { parent: this });
    this.registerOutputs({});
  }
}
