import type { AzureConfig } from "../config/azure.ts";
import type { azure } from "../sdk/azure.cjs";
import type { Key, KeyUser } from "./key.ts";

/** What a cluster of Redis is made of, its place left out. */
export function cacheArgs(config: AzureConfig["cache"], key: Key, user: KeyUser) {
  return {
    sku: { name: config.sku },
    highAvailability: config.highAvailability ? "Enabled" : "Disabled",
    publicNetworkAccess: "Disabled",
    minimumTlsVersion: "1.2",
    identity: { type: "UserAssigned", userAssignedIdentities: [user.identityId] },
    encryption: {
      customerManagedKeyEncryption: {
        // It takes a version alone, and does not follow to newer ones.
        keyEncryptionKeyUrl: key.versionedUri,
        keyEncryptionKeyIdentity: {
          identityType: "userAssignedIdentity",
          userAssignedIdentityResourceId: user.identityId,
        },
      },
    },
  } satisfies Partial<azure.redisenterprise.RedisEnterpriseArgs>;
}

/** Where clients ask for the cluster's layout; its shards answer at 8500 to 8599. */
export const port = 10_000;

/**
 * The same in every profile: port and the way to cluster cannot be changed. `OSSCluster` speaks the cluster's protocol
 * even with one shard, so that more shards are no change for clients.
 */
export const databaseSettings = {
  port,
  clientProtocol: "Encrypted",
  clusteringPolicy: "OSSCluster",
  accessKeysAuthentication: "Disabled",
  evictionPolicy: "AllKeysLRU",
} as const;
