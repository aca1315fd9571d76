import * as pulumi from "@pulumi/pulumi";
import type { AzureConfig } from "../config/azure.ts";
import { azure } from "../sdk/azure.cjs";
import { existingKey, type Key } from "./key.ts";
import { KeyVault } from "./key-vault.ts";
import type { Network } from "./network.ts";
import { located, type Place } from "./place.ts";
import type { PrivateDns } from "./private-dns.ts";
import { PrivateEndpoint } from "./private-endpoint.ts";

/** Kinds of data, each under a key of its own: one that is lost or withdrawn takes no other with it. */
export const purposes = ["cluster", "disks", "database", "cache", "queue", "blobs", "registry", "logs"] as const;
export type Purpose = (typeof purposes)[number];

export type KeysArgs = {
  readonly config: AzureConfig;
  readonly place: Place;
  readonly network: Network;
  readonly dns: PrivateDns;
};

/** The customer-managed keys: one for each kind of data in a vault that serves nothing else, or the one that was given. */
export class Keys extends pulumi.ComponentResource {
  readonly for: Readonly<Record<Purpose, Key>>;
  constructor(name: string, { config, place, network, dns }: KeysArgs, opts?: pulumi.ComponentResourceOptions) {
    super("skykv:azure:Keys", name, {}, opts);
    if (config.key) {
      const given = existingKey(config.key, { parent: this });
      this.for = recordOf(() => given);
    } else {
      const vault = new KeyVault(name, { place }, { parent: this });
      new PrivateEndpoint(
        name,
        { place, target: vault.id, groupId: "vault", subnetId: network.subnets.endpoints, zone: dns.zones.vaults },
        { parent: this },
      );
      this.for = recordOf((purpose) => newKey(purpose, place, vault, { parent: vault }));
    }
    this.registerOutputs({});
  }
}

function recordOf(make: (purpose: Purpose) => Key): Readonly<Record<Purpose, Key>> {
  return Object.fromEntries(purposes.map((purpose) => [purpose, make(purpose)])) as Record<Purpose, Key>;
}

/** A key in a vault, which makes a new version of it by itself. */
export function newKey(name: string, place: Place, vault: KeyVault, opts: pulumi.CustomResourceOptions): Key {
  const { resourceGroupName, tags } = located(place);
  const key = new azure.keyvault.Key(
    name,
    {
      resourceGroupName,
      tags,
      vaultName: vault.name,
      keyName: name,
      properties: { kty: "RSA", keySize: 3072, keyOps: ["wrapKey", "unwrapKey", "encrypt", "decrypt"], rotationPolicy },
    },
    // Of a key that is there Azure Resource Manager changes nothing, and says nothing: also not this policy.
    { ...opts, protect: place.protect },
  );
  return {
    id: pulumi.interpolate`${vault.id}/keys/${name}`,
    name,
    uri: key.keyUri,
    versionedUri: key.keyUriWithVersion,
    vaultId: vault.id,
    vaultUri: vault.uri,
  };
}

/**
 * A new version each quarter. Old ones open what they closed for two years more: by then every service has long moved to
 * the newer (those that follow by themselves do so within a day).
 */
export const rotationPolicy: azure.types.input.keyvault.RotationPolicyArgs = {
  attributes: { expiryTime: "P2Y" },
  lifetimeActions: [
    { action: { type: "rotate" }, trigger: { timeAfterCreate: "P90D" } },
    { action: { type: "notify" }, trigger: { timeBeforeExpiry: "P30D" } },
  ],
};
