import type { AzureConfig } from "../config/azure.ts";
import type { azure } from "../sdk/azure.cjs";
import type { GeoBackupKey } from "./geo-backup-key.ts";
import { asMap, type Key, type KeyUser } from "./key.ts";

export type Encryption = {
  readonly tenantId: string;
  readonly key: Key;
  readonly user: KeyUser;
  readonly geo: GeoBackupKey | null;
};

/**
 * What a server is made of, its place left out. Kind of login, kind of backup and the fact of its own key are fixed when
 * it is made, so they are the same in every profile; size, storage, standby and days of backup can be changed.
 */
export function databaseArgs(config: AzureConfig["database"], encryption: Encryption) {
  const { tenantId, key, user, geo } = encryption;
  return {
    createMode: "Default",
    version: config.version,
    sku: { name: config.sku, tier: config.tier },
    storage: { storageSizeGB: config.storageGb, autoGrow: "Enabled" },
    backup: {
      backupRetentionDays: config.backupDays,
      geoRedundantBackup: geo ? "Enabled" : "Disabled",
    },
    // "Disabled" is in the types, and Azure refuses it: no standby is no block.
    ...(config.highAvailability && { highAvailability: { mode: "ZoneRedundant" } }),
    authConfig: { activeDirectoryAuth: "Enabled", passwordAuth: "Disabled", tenantId },
    identity: {
      type: "UserAssigned",
      userAssignedIdentities: asMap(geo ? [user.identityId, geo.user.identityId] : [user.identityId]),
    },
    dataEncryption: {
      type: "AzureKeyVault",
      primaryKeyURI: key.uri,
      primaryUserAssignedIdentityId: user.identityId,
      ...(geo && { geoBackupKeyURI: geo.key.uri, geoBackupUserAssignedIdentityId: geo.user.identityId }),
    },
  } satisfies Partial<azure.dbforpostgresql.ServerArgs>;
}
