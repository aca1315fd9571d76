import * as pulumi from "@pulumi/pulumi";
import type { azure } from "../sdk/azure.cjs";
import type { Key, KeyUser } from "./key.ts";

/**
 * What an account is made of, its place left out.
 *
 * @param allowedAddresses public addresses that may come in from the internet; null: none, the door is shut
 */
export function accountArgs(allowedAddresses: pulumi.Input<readonly string[]> | null, key: Key, user: KeyUser) {
  return {
    kind: "StorageV2",
    sku: { name: "Standard_ZRS" },
    allowSharedKeyAccess: false,
    defaultToOAuthAuthentication: true,
    allowBlobPublicAccess: false,
    allowCrossTenantReplication: false,
    isLocalUserEnabled: false,
    minimumTlsVersion: "TLS1_2",
    enableHttpsTrafficOnly: true,
    ...access(allowedAddresses),
    identity: { type: "UserAssigned", userAssignedIdentities: [user.identityId] },
    encryption: {
      keySource: "Microsoft.Keyvault",
      // Without a version: storage looks for a newer one every day.
      keyVaultProperties: { keyName: key.name, keyVaultUri: key.vaultUri },
      encryptionIdentity: { encryptionUserAssignedIdentity: user.identityId },
      requireInfrastructureEncryption: true,
    },
  } satisfies Partial<azure.storage.StorageAccountArgs>;
}

/** Azure's own services come in where their identity may: flow logs are written so. */
function access(allowedAddresses: pulumi.Input<readonly string[]> | null) {
  const rules = { bypass: "AzureServices", defaultAction: "Deny" } as const;
  if (allowedAddresses === null) return { publicNetworkAccess: "Disabled", networkRuleSet: rules } as const;
  const ipRules = pulumi
    .output(allowedAddresses)
    .apply((all) => all.map((address) => ({ iPAddressOrRange: address, action: "Allow" as const })));
  return { publicNetworkAccess: "Enabled", networkRuleSet: { ...rules, ipRules } } as const;
}

/**
 * What is deleted or overwritten can be brought back for `days`. Lasting blobs can all be set back to a point in time
 * too, as long as the deleted ones are kept, so for a day less. Immutable ones exclude that.
 */
export function retention(days: number, lasting: boolean) {
  const keep = { enabled: true, days };
  return {
    isVersioningEnabled: true,
    deleteRetentionPolicy: keep,
    containerDeleteRetentionPolicy: keep,
    ...(lasting && {
      changeFeed: { enabled: true, retentionInDays: days },
      restorePolicy: { enabled: true, days: days - 1 },
    }),
  };
}

/** Old versions go after `days`, and so does the rest where it is not lasting. */
export function expiry(days: number, lasting: boolean) {
  const afterDays = { delete: { daysAfterCreationGreaterThan: days } };
  return {
    name: "expiry",
    type: "Lifecycle",
    enabled: true,
    definition: {
      // Logs are appended to, backups and values are written at once.
      filters: { blobTypes: lasting ? ["blockBlob"] : ["blockBlob", "appendBlob"] },
      actions: lasting ? { version: afterDays } : { version: afterDays, baseBlob: afterDays },
    },
  };
}
