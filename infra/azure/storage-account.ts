import * as pulumi from "@pulumi/pulumi";
import { azure } from "../sdk/azure.cjs";
import { report } from "./audit.ts";
import { type Key, KeyUser } from "./key.ts";
import { lock } from "./lock.ts";
import { located, type Place } from "./place.ts";
import { accountArgs, expiry, retention } from "./storage-profile.ts";

export type StorageAccountArgs = {
  readonly place: Place;
  readonly key: Key;
  /** Public addresses that may come in from the internet, with the identities to show; null: none, the door is shut. */
  readonly allowedAddresses: pulumi.Input<readonly string[]> | null;
  /** For how long deleted and overwritten blobs can be brought back. */
  readonly retentionDays: number;
  /** Blobs stay until somebody deletes them. Otherwise they go by themselves after `retentionDays`: backups and logs. */
  readonly lasting: boolean;
};

/**
 * Blobs in three zones under our key. Identities alone can read them: the account's own keys and public containers are
 * off.
 */
export class StorageAccount extends pulumi.ComponentResource {
  readonly id: pulumi.Output<string>;
  readonly name: pulumi.Output<string>;
  /** Versions are kept from here on. */
  readonly versioned: pulumi.Resource;

  constructor(name: string, args: StorageAccountArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:StorageAccount", name, {}, opts);
    const { place, key, allowedAddresses, retentionDays, lasting } = args;
    const { protect, workspaceId } = place;
    const user = new KeyUser(name, { place, key }, { parent: this });
    const account = new azure.storage.StorageAccount(
      name,
      { ...located(place), ...accountArgs(allowedAddresses, key, user) },
      { parent: this, protect, dependsOn: [user] },
    );
    const at = { resourceGroupName: place.group.name, accountName: account.name };
    this.versioned = new azure.storage.BlobServiceProperties(
      name,
      { ...at, blobServicesName: "default", ...retention(retentionDays, lasting) },
      { parent: this },
    );
    new azure.storage.ManagementPolicy(
      name,
      { ...at, managementPolicyName: "default", policy: { rules: [expiry(retentionDays, lasting)] } },
      // Azure refuses rules about versions where none are kept.
      { parent: this, dependsOn: [this.versioned] },
    );
    const target = pulumi.interpolate`${account.id}/blobServices/default`;
    report(name, { target, workspaceId, logs: "audit", metrics: true }, { parent: this });
    if (protect) lock(name, account.id, { parent: this });

    this.id = account.id;
    this.name = account.name;
    this.registerOutputs({ id: this.id, name: this.name });
  }
}
