import type * as pulumi from "@pulumi/pulumi";
import type { AzureConfig } from "../config/azure.ts";
import type { azure } from "../sdk/azure.cjs";
import type { Key } from "./key.ts";
import type { Network } from "./network.ts";
import { overlay } from "./network-plan.ts";

/** What a cluster is put on. */
export type Ground = {
  readonly network: Network;
  readonly identityId: pulumi.Input<string>;
  /** Of the disk encryption set. */
  readonly disksId: pulumi.Input<string>;
  readonly key: Key;
};

/**
 * What a cluster is made of, its place left out. AKS Automatic takes few properties and refuses all others, also when
 * they say what it does anyway: `disableLocalAccounts`, `dnsPrefix`, most of a pool and of the network. What is in
 * `common` is what both kinds take.
 */
export function clusterProfile(config: AzureConfig, ground: Ground): ClusterArgs {
  return config.cluster.mode === "automatic" ? automatic(config, ground) : managedNodes(config, ground);
}

type ClusterArgs = Omit<azure.containerservice.ManagedClusterArgs, "resourceGroupName">;

function automatic(config: AzureConfig, ground: Ground): ClusterArgs {
  const { min } = config.cluster.nodes;
  return {
    ...common(config, ground),
    sku: { name: "Automatic", tier: "Standard" },
    agentPoolProfiles: [{ name: "system", mode: "System", count: min, vnetSubnetID: ground.network.subnets.nodes }],
    networkProfile: addresses,
  };
}

function managedNodes(config: AzureConfig, ground: Ground): ClusterArgs {
  return {
    ...common(config, ground),
    // Free promises no uptime of the control plane; the tier changes in place.
    sku: { name: "Base", tier: config.profile === "small" ? "Free" : "Standard" },
    dnsPrefix: "skykv",
    disableLocalAccounts: true,
    autoUpgradeProfile: { upgradeChannel: "patch", nodeOSUpgradeChannel: "NodeImage" },
    agentPoolProfiles: [{ name: "system", mode: "System", ...systemPool, ...poolOf(ground.network.subnets.nodes) }],
    networkProfile: {
      ...addresses,
      networkPlugin: "azure",
      networkPluginMode: "overlay",
      networkDataplane: "cilium",
      networkPolicy: "cilium",
      loadBalancerSku: "standard",
    },
  };
}

function common({ cluster, tenantId }: AzureConfig, { network, identityId, disksId, key }: Ground) {
  return {
    kubernetesVersion: cluster.version,
    identity: { type: "UserAssigned", userAssignedIdentities: [identityId] },
    aadProfile: {
      managed: true,
      enableAzureRBAC: true,
      tenantID: tenantId,
      adminGroupObjectIDs: [cluster.administratorsGroupId],
    },
    apiServerAccessProfile: {
      enableVnetIntegration: true,
      subnetId: network.subnets.apiServer,
      disableRunCommand: true,
      ...apiServerAccess(cluster.endpoint.cidrs),
    },
    diskEncryptionSetID: disksId,
    oidcIssuerProfile: { enabled: true },
    securityProfile: {
      workloadIdentity: { enabled: true },
      // It wants a version, and does not follow to newer ones.
      azureKeyVaultKms: {
        enabled: true,
        keyId: key.versionedUri,
        keyVaultNetworkAccess: "Private",
        keyVaultResourceId: key.vaultId,
      },
    },
    workloadAutoScalerProfile: { keda: { enabled: true } },
  } satisfies ClusterArgs;
}

/** Private, or public for the given ranges. Both at once is refused. */
export function apiServerAccess(cidrs: readonly string[]) {
  return cidrs.length === 0
    ? { enablePrivateCluster: true, enablePrivateClusterPublicFQDN: false, privateDNSZone: "system" }
    : { enablePrivateCluster: false, authorizedIPRanges: [...cidrs] };
}

const addresses = {
  podCidr: overlay.pods,
  serviceCidr: overlay.services,
  dnsServiceIP: overlay.dnsServiceIP,
  // The subnet has a NAT gateway, whose addresses are known before.
  outboundType: "userAssignedNATGateway",
} as const;

/** What every pool of nodes has. */
export function poolOf(subnetId: pulumi.Input<string>) {
  return {
    type: "VirtualMachineScaleSets",
    vnetSubnetID: subnetId,
    osType: "Linux" as const,
    osSKU: "AzureLinux",
    availabilityZones: ["1", "2", "3"],
    enableEncryptionAtHost: true,
    enableNodePublicIP: false,
  };
}

/** Grows and shrinks by itself. The count is that of the beginning; whoever makes it must ignore its changes. */
export function scaled({ min, max }: { readonly min: number; readonly max: number }) {
  return { enableAutoScaling: true, minCount: min, maxCount: max, count: min };
}

/** For what AKS runs itself. The same in every profile: the type of a pool's machines cannot be changed. */
const systemPool = { vmSize: "Standard_D2ds_v5", ...scaled({ min: 2, max: 4 }) };

/** Automatic raises its version by itself, and an older one is refused; pools have as many nodes as they need. */
export const drifts = {
  automatic: ["kubernetesVersion"],
  "managed-nodes": ["agentPoolProfiles[*].count"],
} as const;

/**
 * Name of a pool of machines of a type, such as `nd8dsv5` for Standard_D8ds_v5: at most 12 of a-z and 0-9, a letter first.
 * Another type is another pool, which is there before the old one goes.
 */
export function poolName(type: string): string {
  const letters = type
    .replace(/^Standard_/, "")
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "");
  return `n${letters}`.slice(0, 12);
}
