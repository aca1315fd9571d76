import type { azure } from "../sdk/azure.cjs";
import type { Key, KeyUser } from "./key.ts";

/** What a namespace of Service Bus is made of, its place left out. */
export function namespaceArgs(key: Key, user: KeyUser) {
  return {
    // Premium alone has keys of ours and private endpoints.
    sku: { name: "Premium", tier: "Premium", capacity: 1 },
    premiumMessagingPartitions: 1,
    zoneRedundant: true,
    disableLocalAuth: true,
    publicNetworkAccess: "Disabled",
    minimumTlsVersion: "1.2",
    identity: { type: "UserAssigned", userAssignedIdentities: [user.identityId] },
    encryption: {
      keySource: "Microsoft.KeyVault",
      requireInfrastructureEncryption: true,
      keyVaultProperties: [
        // Without a version: it follows to newer ones by itself.
        { keyName: key.name, keyVaultUri: key.vaultUri, identity: { userAssignedIdentity: user.identityId } },
      ],
    },
  } satisfies Partial<azure.servicebus.NamespaceArgs>;
}

/** A day is long after the sweep has found what a lost hint was about. Five minutes is the longest lock that Azure takes. */
export const queueSettings = {
  lockDuration: "PT1M",
  maxDeliveryCount: 5,
  defaultMessageTimeToLive: "P1D",
  deadLetteringOnMessageExpiration: true,
  maxSizeInMegabytes: 1024,
} as const;
