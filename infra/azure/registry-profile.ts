import type { azure } from "../sdk/azure.cjs";
import { asMap, type Key, type KeyUser } from "./key.ts";

/**
 * What a registry is made of, its place left out.
 *
 * @param cidrs public ranges from which images are pushed; none: from inside alone
 */
export function registryArgs(cidrs: readonly string[], key: Key, user: KeyUser) {
  return {
    // Premium alone has keys of ours and private endpoints.
    sku: { name: "Premium" },
    adminUserEnabled: false,
    anonymousPullEnabled: false,
    dataEndpointEnabled: true,
    zoneRedundancy: "Enabled",
    networkRuleBypassOptions: "None",
    ...access(cidrs),
    policies: { retentionPolicy: { status: "enabled", days: 30 } },
    identity: { type: "UserAssigned", userAssignedIdentities: asMap([user.identityId]) },
    encryption: { status: "enabled", keyVaultProperties: { identity: user.clientId, keyIdentifier: key.uri } },
  } satisfies Partial<azure.containerregistry.RegistryArgs>;
}

/** Rules must be left out where the door is shut. */
function access(cidrs: readonly string[]) {
  if (cidrs.length === 0) return { publicNetworkAccess: "Disabled" } as const;
  const ipRules = cidrs.map((range) => ({ action: "Allow", iPAddressOrRange: range }));
  return { publicNetworkAccess: "Enabled", networkRuleSet: { defaultAction: "Deny", ipRules } } as const;
}
