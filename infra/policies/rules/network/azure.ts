import { is, isNot, isNotUsed, isSet, test } from "../../condition.ts";
import type { Rule } from "../../rule.ts";
import { isList, isMap, type Value } from "../../value.ts";

export const azureNetwork: readonly Rule[] = [
  {
    name: "azure-aks-private",
    types: ["azure-native:containerservice:ManagedCluster"],
    severity: "critical",
    protects: "the API of Kubernetes being open to the internet, and commands that pass it by",
    standard: "CKV_AZURE_6, CKV_AZURE_115",
    fix: "apiServerAccessProfile: { enableVnetIntegration: true, disableRunCommand: true, enablePrivateCluster or authorizedIPRanges }",
    conditions: [
      is("apiServerAccessProfile.enableVnetIntegration", true),
      is("apiServerAccessProfile.disableRunCommand", true),
      isNot("apiServerAccessProfile.enablePrivateClusterPublicFQDN", true),
      test("apiServerAccessProfile", "have enablePrivateCluster or authorizedIPRanges", isClosed, {
        right: { enableVnetIntegration: true, disableRunCommand: true, enablePrivateCluster: true },
        wrong: [
          { enableVnetIntegration: true, disableRunCommand: true, enablePrivateCluster: false },
          { enableVnetIntegration: true, disableRunCommand: true, authorizedIPRanges: ["0.0.0.0/0"] },
        ],
      }),
    ],
  },
  {
    name: "azure-postgres-private",
    types: ["azure-native:dbforpostgresql:Server"],
    severity: "critical",
    protects: "a database with an address on the internet",
    standard: "CKV2_AZURE_57",
    fix: 'network.delegatedSubnetResourceId, or network.publicNetworkAccess: "Disabled"',
    conditions: [
      test("network", "have a delegatedSubnetResourceId or publicNetworkAccess Disabled", isOffInternet, {
        right: { delegatedSubnetResourceId: "subnet" },
        wrong: [{ publicNetworkAccess: "Enabled" }],
      }),
    ],
  },
  {
    name: "azure-postgres-no-firewall-holes",
    types: ["azure-native:dbforpostgresql:FirewallRule"],
    severity: "critical",
    protects: "a database that the internet, or every customer of Azure, may reach",
    standard: "CKV2_AZURE_26",
    fix: "no FirewallRule from 0.0.0.0; a private endpoint",
    conditions: [isNot("startIpAddress", "0.0.0.0")],
  },
  {
    name: "azure-redis-private",
    types: ["azure-native:redisenterprise:RedisEnterprise"],
    severity: "critical",
    protects: "a cache with an address on the internet",
    standard: "",
    fix: 'publicNetworkAccess: "Disabled"',
    conditions: [is("publicNetworkAccess", "Disabled")],
  },
  {
    name: "azure-no-old-redis",
    types: ["azure-native:redis:Redis"],
    severity: "high",
    protects: "a service that Azure ends in 2028 and no longer sells",
    standard: "",
    fix: "azure-native.redisenterprise.RedisEnterprise",
    conditions: [isNotUsed],
  },
  {
    name: "azure-servicebus-private",
    types: ["azure-native:servicebus:Namespace"],
    severity: "high",
    protects: "a queue with an address on the internet",
    standard: "CKV_AZURE_204",
    fix: 'publicNetworkAccess: "Disabled"',
    conditions: [is("publicNetworkAccess", "Disabled")],
  },
  {
    name: "azure-storage-closed",
    types: ["azure-native:storage:StorageAccount"],
    severity: "critical",
    protects: "blobs that anybody may read, or reach",
    standard: "CKV_AZURE_35, CKV_AZURE_59",
    fix: 'allowBlobPublicAccess: false, networkRuleSet.defaultAction: "Deny", allowCrossTenantReplication: false',
    conditions: [
      is("allowBlobPublicAccess", false),
      is("networkRuleSet.defaultAction", "Deny"),
      is("allowCrossTenantReplication", false),
    ],
  },
  {
    name: "azure-container-not-public",
    types: ["azure-native:storage:BlobContainer"],
    severity: "critical",
    protects: "blobs that anybody may read",
    standard: "CKV_AZURE_34",
    fix: 'publicAccess: "None"',
    conditions: [is("publicAccess", "None")],
  },
  {
    name: "azure-vault-private",
    types: ["azure-native:keyvault:Vault"],
    severity: "high",
    protects: "keys and secrets with an address on the internet",
    standard: "CKV_AZURE_109, CKV_AZURE_189",
    fix: 'properties: { publicNetworkAccess: "disabled", networkAcls: { defaultAction: "Deny" } }',
    conditions: [is("properties.publicNetworkAccess", "disabled"), is("properties.networkAcls.defaultAction", "Deny")],
  },
  {
    name: "azure-registry-private",
    types: ["azure-native:containerregistry:Registry"],
    severity: "high",
    protects: "images with an address on the internet",
    standard: "CKV_AZURE_139",
    fix: 'publicNetworkAccess: "Disabled"',
    conditions: [is("publicNetworkAccess", "Disabled")],
  },
  {
    name: "azure-subnet-guarded",
    types: ["azure-native:network:Subnet"],
    severity: "medium",
    protects: "traffic that no rule looks at",
    standard: "CKV2_AZURE_31",
    fix: "networkSecurityGroup",
    conditions: [isSet("networkSecurityGroup.id"), isNot("privateEndpointNetworkPolicies", "Disabled")],
  },
  {
    name: "azure-ingress-narrow",
    types: ["azure-native:network:NetworkSecurityGroup"],
    severity: "critical",
    protects: "ports other than HTTPS that are open to the internet",
    standard: "CKV_AZURE_9, CKV_AZURE_10",
    fix: "rules from the internet to 443 and 8444 alone, the ports of the load balancers",
    conditions: [
      test(
        "securityRules",
        "open only 443 and 8444 to the internet",
        (rules) => isList(rules) && rules.every(isNarrow),
        {
          right: [],
          wrong: [[{ access: "Allow", direction: "Inbound", sourceAddressPrefix: "*", destinationPortRange: "22" }]],
          absent: true,
        },
      ),
    ],
  },
];

function isClosed(profile: Value): boolean {
  if (!isMap(profile)) return false;
  const { enablePrivateCluster, authorizedIPRanges } = profile;
  return (
    enablePrivateCluster === true ||
    (isList(authorizedIPRanges) && authorizedIPRanges.length > 0 && !authorizedIPRanges.includes("0.0.0.0/0"))
  );
}

function isOffInternet(network: Value): boolean {
  return (
    isMap(network) && (network.delegatedSubnetResourceId !== undefined || network.publicNetworkAccess === "Disabled")
  );
}

function isNarrow(rule: Value): boolean {
  if (!isMap(rule) || rule.access !== "Allow" || rule.direction !== "Inbound") return true;
  const sources = [rule.sourceAddressPrefix, rule.sourceAddressPrefixes].flat();
  const ports = [rule.destinationPortRange, rule.destinationPortRanges].flat().filter((port) => port !== undefined);
  const open = sources.some((source) => ["*", "Internet", "0.0.0.0/0", "::/0"].includes(source as string));
  return !open || (ports.length > 0 && ports.every((port) => port === "443" || port === "8444"));
}
