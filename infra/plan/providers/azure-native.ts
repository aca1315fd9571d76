import type { Inputs, ProviderFacts, TypeFacts } from "./facts.ts";

/**
 * Azure. `replacedBy` is what the API takes at creation alone: the parts of a resource's id and its location always, and
 * what the REST reference marks as immutable or refuses to update.
 */
const subscription = "/subscriptions/00000000-1111-4222-8333-444444444444";

/** 8 hex digits that Pulumi puts behind a logical name when no physical one is given. */
const suffix = "1a2b3c4d";

/** A GUID of its own for each name. */
const guidOf = (name: string, kind: number) => {
  const sum = [...name].reduce((total, char) => (total * 31 + char.codePointAt(0)!) >>> 0, kind);
  return `${sum.toString(16).padStart(8, "0")}-0000-4000-8000-00000000000${kind}`;
};

/** An address in a range for documentation, another one for each name. */
const publicAddress = (name: string) =>
  `198.51.100.${1 + ([...name].reduce((sum, char) => sum * 31 + char.codePointAt(0)!, 0) % 254)}`;

type Arm = Partial<Omit<TypeFacts, "outputs" | "id" | "physicalName">> & {
  /** What the service accepts as a name. */
  readonly pattern?: RegExp;
  /** Beside the name and the id, from both. */
  readonly outputs?: (physical: string, id: string, inputs: Inputs, name: string) => Inputs;
};

/**
 * A resource of Azure Resource Manager. `path` is what follows the provider in its id, with the inputs that name its parts
 * in braces; the last is its own name, which Pulumi makes up when it is not given.
 */
function arm(path: string, { pattern, outputs, replacedBy = [], tags = null, ...rest }: Arm = {}): TypeFacts {
  const parts = [...path.matchAll(/\{(\w+)\}/g)].map(([, input]) => input!);
  const own = parts.at(-1)!;
  const within = ["resourceGroupName", ...parts.slice(0, -1)];
  const physical = (inputs: Inputs, name: string) => String(inputs[own] ?? `${name}${suffix}`);
  const id = (inputs: Inputs, name: string) =>
    `${subscription}/resourceGroups/${inputs.resourceGroupName}/providers/${path.replace(/\{(\w+)\}/g, (_, input) =>
      input === own ? physical(inputs, name) : String(inputs[input]),
    )}`;
  return {
    tags,
    ...rest,
    ...(pattern && { physicalName: { input: own, pattern, within } }),
    replacedBy: [own, ...within, "location", ...replacedBy],
    id,
    outputs: (inputs, name) => ({
      name: physical(inputs, name),
      ...outputs?.(physical(inputs, name), id(inputs, name), inputs, name),
    }),
  };
}

/** What Azure keeps beside another resource, named by that one's id. */
function extension(scope: string, path: string, own: string, replacedBy: readonly string[]): TypeFacts {
  return {
    tags: null,
    replacedBy: [scope, own, ...replacedBy],
    physicalName: { input: own, pattern: /^[\w-]{1,260}$/, within: [scope] },
    id: (inputs, name) => `${inputs[scope]}/providers/${path}/${inputs[own] ?? `${name}${suffix}`}`,
    outputs: (inputs, name) => ({ name: inputs[own] ?? `${name}${suffix}` }),
  };
}

const word = /^[a-zA-Z0-9][\w.-]{0,78}\w$/;

const kubeconfig = `apiVersion: v1
kind: Config
clusters:
  - name: skykv
    cluster:
      server: https://skykv-1a2b3c4d.11111111-2222-4333-8444-555555555555.private.eastus2.azmk8s.io:443
      certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==
`;

export const facts: ProviderFacts = {
  resources: {
    "azure-native:resources:ResourceGroup": {
      replacedBy: ["resourceGroupName", "location"],
      tags: "tags",
      id: (inputs, name) => `${subscription}/resourceGroups/${inputs.resourceGroupName ?? `${name}${suffix}`}`,
      outputs: (inputs, name) => ({ name: inputs.resourceGroupName ?? `${name}${suffix}` }),
    },
    "azure-native:authorization:RoleDefinition": {
      replacedBy: ["scope", "roleDefinitionId"],
      tags: null,
      physicalName: { input: "roleDefinitionId", pattern: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/ },
      id: (inputs) => `${inputs.scope}/providers/Microsoft.Authorization/roleDefinitions/${inputs.roleDefinitionId}`,
    },
    // All of it is what it is: Azure refuses to change one.
    "azure-native:authorization:RoleAssignment": {
      ...extension("scope", "Microsoft.Authorization/roleAssignments", "roleAssignmentName", [
        "roleDefinitionId",
        "principalId",
        "principalType",
        "condition",
      ]),
      physicalName: { input: "roleAssignmentName", pattern: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/ },
    },
    "azure-native:authorization:ManagementLockByScope": extension(
      "scope",
      "Microsoft.Authorization/locks",
      "lockName",
      ["level", "notes"],
    ),
    "azure-native:managedidentity:UserAssignedIdentity": arm(
      "Microsoft.ManagedIdentity/userAssignedIdentities/{resourceName}",
      {
        tags: "tags",
        pattern: /^[a-zA-Z0-9][\w-]{2,127}$/,
        outputs: (_physical, _id, _inputs, name) => ({ principalId: guidOf(name, 1), clientId: guidOf(name, 2) }),
      },
    ),
    "azure-native:managedidentity:FederatedIdentityCredential": arm(
      "Microsoft.ManagedIdentity/userAssignedIdentities/{resourceName}/federatedIdentityCredentials/{federatedIdentityCredentialResourceName}",
      { pattern: /^[a-zA-Z0-9][\w-]{2,119}$/ },
    ),

    "azure-native:keyvault:Vault": arm("Microsoft.KeyVault/vaults/{vaultName}", {
      // The days of retention are refused once the vault is there, and protection from purging stays for ever.
      replacedBy: ["properties.softDeleteRetentionInDays"],
      stateful: true,
      tags: "tags",
      pattern: /^[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]$/,
    }),
    "azure-native:keyvault:Key": arm("Microsoft.KeyVault/vaults/{vaultName}/keys/{keyName}", {
      replacedBy: ["properties.kty", "properties.keySize", "properties.curveName"],
      stateful: true,
      tags: "tags",
      pattern: /^[a-zA-Z0-9-]{1,127}$/,
      outputs: (physical, _id, inputs) => {
        const keyUri = `https://${inputs.vaultName}.vault.azure.net/keys/${physical}`;
        return { keyUri, keyUriWithVersion: `${keyUri}/0123456789abcdef0123456789abcdef` };
      },
    }),
    "azure-native:keyvault:Secret": arm("Microsoft.KeyVault/vaults/{vaultName}/secrets/{secretName}", {
      tags: "tags",
      pattern: /^[a-zA-Z0-9-]{1,127}$/,
    }),
    "azure-native:compute:DiskEncryptionSet": arm("Microsoft.Compute/diskEncryptionSets/{diskEncryptionSetName}", {
      replacedBy: ["encryptionType"],
      stateful: true,
      tags: "tags",
      pattern: /^[\w-]{1,80}$/,
      outputs: (_physical, _id, _inputs, name) => ({ identity: { principalId: guidOf(name, 3) } }),
    }),

    "azure-native:network:VirtualNetwork": arm("Microsoft.Network/virtualNetworks/{virtualNetworkName}", {
      tags: "tags",
      pattern: word,
    }),
    "azure-native:network:Subnet": arm("Microsoft.Network/virtualNetworks/{virtualNetworkName}/subnets/{subnetName}", {
      pattern: word,
    }),
    "azure-native:network:NetworkSecurityGroup": arm(
      "Microsoft.Network/networkSecurityGroups/{networkSecurityGroupName}",
      { tags: "tags", pattern: word },
    ),
    "azure-native:network:PublicIPAddress": arm("Microsoft.Network/publicIPAddresses/{publicIpAddressName}", {
      replacedBy: ["sku", "zones", "publicIPAddressVersion", "publicIPAllocationMethod", "publicIPPrefix"],
      tags: "tags",
      pattern: word,
      outputs: (_physical, _id, _inputs, name) => ({ ipAddress: publicAddress(name) }),
    }),
    "azure-native:network:NatGateway": arm("Microsoft.Network/natGateways/{natGatewayName}", {
      replacedBy: ["sku", "zones"],
      tags: "tags",
      pattern: word,
    }),
    "azure-native:network:PrivateEndpoint": arm("Microsoft.Network/privateEndpoints/{privateEndpointName}", {
      replacedBy: ["subnet", "privateLinkServiceConnections"],
      tags: "tags",
      pattern: word,
    }),
    "azure-native:network:PrivateDnsZoneGroup": arm(
      "Microsoft.Network/privateEndpoints/{privateEndpointName}/privateDnsZoneGroups/{privateDnsZoneGroupName}",
      { pattern: word },
    ),
    "azure-native:network:FlowLog": arm(
      "Microsoft.Network/networkWatchers/{networkWatcherName}/flowLogs/{flowLogName}",
      { replacedBy: ["targetResourceId"], tags: "tags", pattern: word },
    ),
    "azure-native:privatedns:PrivateZone": arm("Microsoft.Network/privateDnsZones/{privateZoneName}", {
      tags: "tags",
      pattern: /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$/,
    }),
    "azure-native:privatedns:VirtualNetworkLink": arm(
      "Microsoft.Network/privateDnsZones/{privateZoneName}/virtualNetworkLinks/{virtualNetworkLinkName}",
      { replacedBy: ["virtualNetwork"], tags: "tags", pattern: word },
    ),

    "azure-native:containerservice:ManagedCluster": arm("Microsoft.ContainerService/managedClusters/{resourceName}", {
      replacedBy: [
        "dnsPrefix",
        "fqdnSubdomain",
        "nodeResourceGroup",
        "diskEncryptionSetID",
        "sku.name",
        "apiServerAccessProfile.privateDNSZone",
        "networkProfile.podCidr",
        "networkProfile.serviceCidr",
        "networkProfile.dnsServiceIP",
        "networkProfile.networkPlugin",
        "networkProfile.loadBalancerSku",
        "networkProfile.outboundType",
        "agentPoolProfiles[].name",
        "agentPoolProfiles[].vmSize",
        "agentPoolProfiles[].vnetSubnetID",
        "agentPoolProfiles[].availabilityZones",
      ],
      stateful: true,
      tags: "tags",
      pattern: /^[a-zA-Z0-9]([\w-]{0,61}[a-zA-Z0-9])?$/,
      outputs: (_physical, _id, _inputs, name) => ({
        fqdn: "skykv-1a2b3c4d.hcp.eastus2.azmk8s.io",
        identityProfile: { kubeletidentity: { objectId: guidOf(name, 4), clientId: guidOf(name, 5) } },
        oidcIssuerProfile: {
          issuerURL:
            "https://eastus2.oic.prod-aks.azure.com/55555555-6666-4777-8888-999999999999/11111111-2222-4333-8444-555555555555/",
        },
      }),
    }),
    "azure-native:containerservice:AgentPool": arm(
      "Microsoft.ContainerService/managedClusters/{resourceName}/agentPools/{agentPoolName}",
      {
        replacedBy: ["vmSize", "vnetSubnetID", "osType", "type", "availabilityZones", "enableEncryptionAtHost"],
        tags: "tags",
        pattern: /^[a-z][a-z0-9]{0,11}$/,
      },
    ),

    "azure-native:dbforpostgresql:Server": arm("Microsoft.DBforPostgreSQL/flexibleServers/{serverName}", {
      replacedBy: [
        "createMode",
        "administratorLogin",
        "sourceServerResourceId",
        "pointInTimeUTC",
        "network.delegatedSubnetResourceId",
        "backup.geoRedundantBackup",
        "dataEncryption.type",
        "storage.type",
      ],
      stateful: true,
      tags: "tags",
      pattern: /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
      outputs: (physical) => ({ fullyQualifiedDomainName: `${physical}.postgres.database.azure.com` }),
    }),
    "azure-native:dbforpostgresql:Configuration": arm(
      "Microsoft.DBforPostgreSQL/flexibleServers/{serverName}/configurations/{configurationName}",
      { pattern: /^[a-z_.]+$/ },
    ),
    "azure-native:dbforpostgresql:Database": arm(
      "Microsoft.DBforPostgreSQL/flexibleServers/{serverName}/databases/{databaseName}",
      { replacedBy: ["charset", "collation"], stateful: true, pattern: /^[a-z_][a-z0-9_-]{0,62}$/ },
    ),
    "azure-native:dbforpostgresql:Administrator": arm(
      "Microsoft.DBforPostgreSQL/flexibleServers/{serverName}/administrators/{objectId}",
      { replacedBy: ["principalName", "principalType", "tenantId"] },
    ),

    "azure-native:redisenterprise:RedisEnterprise": arm("Microsoft.Cache/redisEnterprise/{clusterName}", {
      // Other sizes come in place; whether it has replicas is settled at the beginning.
      replacedBy: ["highAvailability", "zones"],
      tags: "tags",
      pattern: /^(?=.{1,60}$)[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$/,
      outputs: (physical, _id, { location }) => ({ hostName: `${physical}.${location}.redis.azure.net` }),
    }),
    "azure-native:redisenterprise:Database": arm(
      "Microsoft.Cache/redisEnterprise/{clusterName}/databases/{databaseName}",
      { replacedBy: ["clusteringPolicy", "modules", "port", "geoReplication"], pattern: /^default$/ },
    ),
    "azure-native:redisenterprise:AccessPolicyAssignment": arm(
      "Microsoft.Cache/redisEnterprise/{clusterName}/databases/{databaseName}/accessPolicyAssignments/{accessPolicyAssignmentName}",
      { replacedBy: ["accessPolicyName", "user"], pattern: /^[a-zA-Z0-9]{1,60}$/ },
    ),

    "azure-native:servicebus:Namespace": arm("Microsoft.ServiceBus/namespaces/{namespaceName}", {
      replacedBy: [
        "sku.name",
        "premiumMessagingPartitions",
        "zoneRedundant",
        "encryption.requireInfrastructureEncryption",
      ],
      tags: "tags",
      pattern: /^[a-zA-Z][a-zA-Z0-9-]{4,48}[a-zA-Z0-9]$/,
    }),
    "azure-native:servicebus:Queue": arm("Microsoft.ServiceBus/namespaces/{namespaceName}/queues/{queueName}", {
      replacedBy: ["enablePartitioning", "requiresSession", "requiresDuplicateDetection", "enableExpress"],
      pattern: /^[a-zA-Z0-9][\w./-]{0,258}[a-zA-Z0-9]$/,
    }),

    "azure-native:storage:StorageAccount": arm("Microsoft.Storage/storageAccounts/{accountName}", {
      replacedBy: [
        "isHnsEnabled",
        "enableNfsV3",
        "dnsEndpointType",
        "immutableStorageWithVersioning",
        "encryption.requireInfrastructureEncryption",
      ],
      stateful: true,
      tags: "tags",
      pattern: /^[a-z0-9]{3,24}$/,
    }),
    "azure-native:storage:BlobServiceProperties": arm(
      "Microsoft.Storage/storageAccounts/{accountName}/blobServices/{blobServicesName}",
      { pattern: /^default$/ },
    ),
    "azure-native:storage:ManagementPolicy": arm(
      "Microsoft.Storage/storageAccounts/{accountName}/managementPolicies/{managementPolicyName}",
      { pattern: /^default$/ },
    ),
    "azure-native:storage:BlobContainer": arm(
      "Microsoft.Storage/storageAccounts/{accountName}/blobServices/default/containers/{containerName}",
      {
        replacedBy: ["immutableStorageWithVersioning", "defaultEncryptionScope", "denyEncryptionScopeOverride"],
        stateful: true,
        pattern: /^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/,
      },
    ),
    "azure-native:storage:BlobContainerImmutabilityPolicy": arm(
      "Microsoft.Storage/storageAccounts/{accountName}/blobServices/default/containers/{containerName}/immutabilityPolicies/{immutabilityPolicyName}",
      { pattern: /^default$/ },
    ),

    "azure-native:containerregistry:Registry": arm("Microsoft.ContainerRegistry/registries/{registryName}", {
      replacedBy: ["encryption.status", "zoneRedundancy"],
      tags: "tags",
      pattern: /^[a-zA-Z0-9]{5,50}$/,
      outputs: (physical) => ({ loginServer: `${physical}.azurecr.io` }),
    }),

    "azure-native:operationalinsights:Workspace": arm("Microsoft.OperationalInsights/workspaces/{workspaceName}", {
      stateful: true,
      tags: "tags",
      pattern: /^[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]$/,
    }),
    "azure-native:monitor:DiagnosticSetting": extension(
      "resourceUri",
      "Microsoft.Insights/diagnosticSettings",
      "name",
      ["logAnalyticsDestinationType"],
    ),
    "azure-native:monitor:ActionGroup": arm("Microsoft.Insights/actionGroups/{actionGroupName}", {
      tags: "tags",
      pattern: word,
    }),
    "azure-native:monitor:MetricAlert": arm("Microsoft.Insights/metricAlerts/{ruleName}", {
      tags: "tags",
      pattern: word,
    }),
  },
  calls: {
    "azure-native:keyvault:getKey": ({ vaultName, keyName }) => {
      const keyUri = `https://${vaultName}.vault.azure.net/keys/${keyName}`;
      return { name: keyName!, keyUri, keyUriWithVersion: `${keyUri}/0123456789abcdef0123456789abcdef` };
    },
    "azure-native:containerservice:listManagedClusterUserCredentials": () => ({
      kubeconfigs: [{ name: "clusterUser", value: Buffer.from(kubeconfig).toString("base64") }],
    }),
  },
};
