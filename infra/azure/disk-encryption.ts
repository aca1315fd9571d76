import * as pulumi from "@pulumi/pulumi";
import { azure } from "../sdk/azure.cjs";
import type { Key } from "./key.ts";
import { located, type Place } from "./place.ts";
import { grant } from "./roles.ts";

export type DiskEncryptionArgs = {
  readonly place: Place;
  readonly key: Key;
  /** Object id of the cluster, which puts the nodes' disks under it. */
  readonly cluster: pulumi.Input<string>;
};

/** Our key for the disks of the nodes. */
export class DiskEncryption extends pulumi.ComponentResource {
  readonly id: pulumi.Output<string>;

  constructor(name: string, args: DiskEncryptionArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:DiskEncryption", name, {}, opts);
    const { place, key, cluster } = args;
    const { subscriptionId } = place;
    const set = new azure.compute.DiskEncryptionSet(
      name,
      {
        ...located(place),
        encryptionType: "EncryptionAtRestWithCustomerKey",
        // It wants a version at first, and follows to newer ones by itself.
        activeKey: { keyUrl: key.versionedUri, sourceVault: { id: key.vaultId } },
        rotationToLatestKeyVersionEnabled: true,
        // Of its own: new sets take no other kind.
        identity: { type: "SystemAssigned" },
      },
      { parent: this, protect: place.protect },
    );
    grant(
      `${name}-key`,
      {
        subscriptionId,
        role: "keyVaultCryptoServiceEncryptionUser",
        scope: key.id,
        principalId: set.identity.apply((identity) => identity!.principalId),
        principalType: "ServicePrincipal",
      },
      { parent: this },
    );
    grant(
      `${name}-cluster`,
      {
        subscriptionId,
        role: "reader",
        scope: set.id,
        principalId: cluster,
        principalType: "ServicePrincipal",
      },
      { parent: this },
    );
    this.id = set.id;
    this.registerOutputs({ id: this.id });
  }
}
