import * as pulumi from "@pulumi/pulumi";
import { azure } from "../sdk/azure.cjs";
import type { Key } from "./key.ts";
import type { Network } from "./network.ts";
import { located, type Place } from "./place.ts";
import { grant, type Role } from "./roles.ts";

export type ClusterIdentityArgs = {
  readonly place: Place;
  readonly network: Network;
  /** Of what the cluster keeps in etcd. */
  readonly key: Key;
};

/** Who the cluster's control plane is. Its rights must be there before it: it uses all of them while it is made. */
export class ClusterIdentity extends pulumi.ComponentResource {
  readonly id: pulumi.Output<string>;
  readonly principalId: pulumi.Output<string>;

  constructor(name: string, { place, network, key }: ClusterIdentityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:ClusterIdentity", name, {}, opts);
    const identity = new azure.managedidentity.UserAssignedIdentity(name, located(place), { parent: this });
    this.id = identity.id;
    this.principalId = identity.principalId;
    const may = (word: string, role: Role, scope: pulumi.Input<string>) =>
      grant(
        `${name}-${word}`,
        {
          subscriptionId: place.subscriptionId,
          role,
          scope,
          principalId: this.principalId,
          principalType: "ServicePrincipal",
        },
        { parent: this },
      );
    // The whole network: a private cluster links its own name zone to it, beside joining two subnets.
    may("network", "networkContributor", network.id);
    may("key", "keyVaultCryptoUser", key.id);
    // The API server reaches the closed vault by a private endpoint, which AKS makes as this identity.
    may("vault", "keyVaultContributor", key.vaultId);
    this.registerOutputs({ id: this.id, principalId: this.principalId });
  }
}
