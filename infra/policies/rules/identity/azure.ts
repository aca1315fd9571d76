import { is, isNot, isSet, isUnset, test, where } from "../../condition.ts";
import type { Rule } from "../../rule.ts";

/** Owner, Contributor, User Access Administrator, Role Based Access Control Administrator: the same in all tenants. */
const administrators = [
  "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
  "b24988ac-6180-42a0-ab88-20f7382dd24c",
  "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
  "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
];
const role = (id: string) => `/subscriptions/0/providers/Microsoft.Authorization/roleDefinitions/${id}`;

export const azureIdentity: readonly Rule[] = [
  {
    name: "azure-aks-identity-login",
    types: ["azure-native:containerservice:ManagedCluster"],
    severity: "high",
    protects: "administrators of the cluster whom Entra does not know, and pods with passwords",
    standard: "CKV_AZURE_5, CKV_AZURE_141",
    fix: "aadProfile.enableAzureRBAC: true, oidcIssuerProfile.enabled: true, no servicePrincipalProfile",
    conditions: [
      is("aadProfile.managed", true),
      is("aadProfile.enableAzureRBAC", true),
      is("oidcIssuerProfile.enabled", true),
      isUnset("servicePrincipalProfile"),
    ],
  },
  {
    name: "azure-aks-no-local-accounts",
    types: ["azure-native:containerservice:ManagedCluster"],
    severity: "high",
    protects: "certificates of administrators that nobody can revoke",
    standard: "CKV_AZURE_141",
    fix: 'disableLocalAccounts: true, which sku.name "Automatic" sets by itself',
    conditions: [
      where("sku.name", "Base", is("disableLocalAccounts", true)),
      where("sku.name", "Automatic", isNot("disableLocalAccounts", false)),
    ],
  },
  {
    name: "azure-postgres-identity-login",
    types: ["azure-native:dbforpostgresql:Server"],
    severity: "high",
    protects: "passwords of programs and administrators, which leak and are not renewed",
    standard: "",
    fix: 'authConfig: { activeDirectoryAuth: "Enabled", passwordAuth: "Disabled" }',
    conditions: [is("authConfig.activeDirectoryAuth", "Enabled"), is("authConfig.passwordAuth", "Disabled")],
  },
  {
    name: "azure-redis-identity-login",
    types: ["azure-native:redisenterprise:Database"],
    severity: "high",
    protects: "one password for all, which is in Pulumi's state",
    standard: "",
    fix: 'accessKeysAuthentication: "Disabled"',
    conditions: [is("accessKeysAuthentication", "Disabled")],
  },
  {
    name: "azure-servicebus-identity-login",
    types: ["azure-native:servicebus:Namespace"],
    severity: "high",
    protects: "connection strings, which leak and are not renewed",
    standard: "CKV_AZURE_203",
    fix: "disableLocalAuth: true",
    conditions: [is("disableLocalAuth", true)],
  },
  {
    name: "azure-storage-identity-login",
    types: ["azure-native:storage:StorageAccount"],
    severity: "high",
    protects: "account keys, which open everything and leak",
    standard: "CKV2_AZURE_40",
    fix: "allowSharedKeyAccess: false, isLocalUserEnabled: false, defaultToOAuthAuthentication: true",
    conditions: [
      is("allowSharedKeyAccess", false),
      is("isLocalUserEnabled", false),
      is("defaultToOAuthAuthentication", true),
    ],
  },
  {
    name: "azure-registry-identity-login",
    types: ["azure-native:containerregistry:Registry"],
    severity: "high",
    protects: "one password for all, and images that everybody may read",
    standard: "CKV_AZURE_137, CKV_AZURE_138",
    fix: "adminUserEnabled: false, anonymousPullEnabled: false",
    conditions: [is("adminUserEnabled", false), is("anonymousPullEnabled", false)],
  },
  {
    name: "azure-vault-roles",
    types: ["azure-native:keyvault:Vault"],
    severity: "high",
    protects: "rights in a list of the vault's own, which no review of roles sees",
    standard: "CIS Azure 8.6",
    fix: "properties.enableRbacAuthorization: true, and none of enabledForDeployment, enabledForDiskEncryption, enabledForTemplateDeployment",
    conditions: [
      is("properties.enableRbacAuthorization", true),
      isNot("properties.enabledForDeployment", true),
      isNot("properties.enabledForDiskEncryption", true),
      isNot("properties.enabledForTemplateDeployment", true),
    ],
  },
  {
    name: "azure-logs-identity-login",
    types: ["azure-native:operationalinsights:Workspace"],
    severity: "medium",
    protects: "anybody with the workspace's key writing logs",
    standard: "",
    fix: "features.disableLocalAuth: true",
    conditions: [is("features.disableLocalAuth", true)],
  },
  {
    name: "azure-role-narrow",
    types: ["azure-native:authorization:RoleAssignment"],
    severity: "critical",
    protects: "a program that can change everything, or give itself that right",
    standard: "CIS Azure 1.22",
    fix: "a role for what is used, and principalType",
    conditions: [
      test(
        "roleDefinitionId",
        "be none of Owner, Contributor, User Access Administrator, Role Based Access Control Administrator",
        (id) => !administrators.some((administrator) => String(id).endsWith(administrator)),
        { right: role("e147488a-f6f5-4113-8e2d-b22465e65bf6"), wrong: administrators.map(role), unknown: true },
      ),
      isSet("principalType"),
    ],
  },
];
