import * as pulumi from "@pulumi/pulumi";
import { azure } from "../sdk/azure.cjs";
import type { EntityArgs } from "./entity.ts";
import { StorageAccount } from "./storage-account.ts";

export type BackupsArgs = EntityArgs & {
  /** From where the other clouds come. */
  readonly peerAddresses: pulumi.Output<readonly string[]>;
};

/**
 * Where the other clouds put their backups. An account of its own: it alone is reached from outside, from the other
 * clouds' addresses and as the identities that their pods are taken for. What is written cannot be changed until its time
 * is over, so a cloud that was broken into takes nobody's backups with it.
 */
export class Backups extends pulumi.ComponentResource {
  /** Resource id of the container. */
  readonly containerId: pulumi.Output<string>;

  constructor(name: string, args: BackupsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:Backups", name, {}, opts);
    const { config, place, keys, peerAddresses } = args;
    const retentionDays = config.database.backupDays;
    const account = new StorageAccount(
      name,
      { place, key: keys.for.blobs, allowedAddresses: peerAddresses, retentionDays, lasting: false },
      { parent: this },
    );
    const at = { resourceGroupName: place.group.name, accountName: account.name };
    const container = new azure.storage.BlobContainer(
      name,
      {
        ...at,
        containerName: "backups",
        publicAccess: "None",
        immutableStorageWithVersioning: { enabled: true },
      },
      // Azure refuses such a container where versions are not kept.
      { parent: this, protect: place.protect, dependsOn: [account.versioned] },
    );
    new azure.storage.BlobContainerImmutabilityPolicy(
      name,
      {
        ...at,
        containerName: container.name,
        immutabilityPolicyName: "default",
        immutabilityPeriodSinceCreationInDays: retentionDays,
        allowProtectedAppendWrites: false,
      },
      { parent: this },
    );
    this.containerId = container.id;
    this.registerOutputs({ containerId: this.containerId });
  }
}
