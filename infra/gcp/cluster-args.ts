import type * as pulumi from "@pulumi/pulumi";
import type { GcpConfig } from "../config/gcp.ts";
import type { gcp } from "../sdk/gcp.cjs";
import type { Labels } from "./labels.ts";
import type { Place } from "./network.ts";

type NodeFacts = {
  readonly config: GcpConfig;
  readonly labels: Labels;
  readonly keyId: pulumi.Input<string>;
  /** E-mail address of the account that nodes run as. */
  readonly nodeAccount: pulumi.Input<string>;
};

type Facts = NodeFacts & { readonly protect: boolean; readonly place: Place };

/** The one scope that does not matter: what nodes may do is set by the roles of their account. */
const oauthScopes = ["https://www.googleapis.com/auth/cloud-platform"];

export function clusterArgs(facts: Facts): gcp.container.ClusterArgs {
  const { config, labels, keyId, protect, place } = facts;
  return {
    location: config.region,
    network: place.network,
    subnetwork: place.subnetwork,
    ipAllocationPolicy: { clusterSecondaryRangeName: place.podsRange, servicesSecondaryRangeName: place.servicesRange },
    ...endpointArgs(config.cluster.endpoint),
    databaseEncryption: { state: "ENCRYPTED", keyName: keyId },
    releaseChannel: { channel: config.cluster.channel },
    // Four hours from there, UTC, each day: GKE wants 48 hours in 32 days.
    maintenancePolicy: { dailyMaintenanceWindow: { startTime: "03:00" } },
    securityPostureConfig: { mode: "BASIC", vulnerabilityMode: "VULNERABILITY_DISABLED" },
    rbacBindingConfig: {
      enableInsecureBindingSystemAuthenticated: false,
      enableInsecureBindingSystemUnauthenticated: false,
    },
    // Strangers see the health of the API server and nothing else.
    anonymousAuthenticationConfig: { mode: "LIMITED" },
    resourceLabels: labels,
    deletionProtection: protect,
    ...(config.cluster.mode === "automatic" ? autopilotArgs(facts) : managedNodesArgs(facts)),
  };
}

/** Autopilot owns the nodes: what it decides must not be set, or it is taken for a change at each update. */
function autopilotArgs({ keyId, nodeAccount }: NodeFacts): Partial<gcp.container.ClusterArgs> {
  return {
    enableAutopilot: true,
    clusterAutoscaling: {
      autoProvisioningDefaults: { serviceAccount: nodeAccount, bootDiskKmsKey: keyId, oauthScopes },
    },
  };
}

/** `enableAutopilot` stays unset: an explicit `false` together with `removeDefaultNodePool` is refused. */
function managedNodesArgs({ config, keyId, nodeAccount, labels }: NodeFacts): Partial<gcp.container.ClusterArgs> {
  return {
    removeDefaultNodePool: true,
    // Of the pool that is removed at once. It too must run as our account and under our key.
    initialNodeCount: 1,
    nodeConfig: nodeArgs({ config, keyId, nodeAccount, labels }),
    defaultMaxPodsPerNode: maxPodsPerNode,
    workloadIdentityConfig: { workloadPool: workloadPool(config.project) },
    // Network policies are enforced by Dataplane V2, so the add-on that once did it stays off.
    datapathProvider: "ADVANCED_DATAPATH",
    addonsConfig: { networkPolicyConfig: { disabled: true } },
    enableShieldedNodes: true,
  };
}

/** As in Autopilot: a node takes a /26 of the pods' range. */
const maxPodsPerNode = 32;

export function nodePoolArgs(facts: NodeFacts): Omit<gcp.container.NodePoolArgs, "cluster"> {
  const { min, max } = facts.config.cluster.nodes;
  return {
    initialNodeCount: Math.max(min, 1),
    autoscaling: { minNodeCount: min, maxNodeCount: max, locationPolicy: "BALANCED" },
    nodeConfig: nodeArgs(facts),
    management: { autoRepair: true, autoUpgrade: true },
    upgradeSettings: { strategy: "SURGE", maxSurge: 1, maxUnavailable: 0 },
  };
}

function nodeArgs({ config, keyId, nodeAccount, labels }: NodeFacts) {
  return {
    machineType: config.cluster.nodes.type,
    imageType: "COS_CONTAINERD",
    bootDiskKmsKey: keyId,
    serviceAccount: nodeAccount,
    oauthScopes,
    shieldedInstanceConfig: { enableSecureBoot: true, enableIntegrityMonitoring: true },
    workloadMetadataConfig: { mode: "GKE_METADATA" },
    metadata: { "disable-legacy-endpoints": "true" },
    resourceLabels: labels,
  };
}

/**
 * Addresses: the control plane's is private, unless ranges are given from which its public one is reached. Its host name,
 * when allowed, leads to Google's front end, which lets through whom IAM allows `container.clusters.connect`; there, neither
 * certificates nor tokens of ServiceAccounts count.
 */
export function endpointArgs({ cidrs, dns }: GcpConfig["cluster"]["endpoint"]) {
  return {
    privateClusterConfig: { enablePrivateNodes: true, enablePrivateEndpoint: cidrs.length === 0 },
    masterAuthorizedNetworksConfig: {
      cidrBlocks: cidrs.map((cidrBlock) => ({ cidrBlock, displayName: "cluster.endpoint.cidrs" })),
      gcpPublicCidrsAccessEnabled: false,
    },
    controlPlaneEndpointsConfig: {
      dnsEndpointConfig: { allowExternalTraffic: dns, enableK8sCertsViaDns: false, enableK8sTokensViaDns: false },
    },
  };
}

/** Every project has one; its name is fixed. */
export function workloadPool(project: string): string {
  return `${project}.svc.id.goog`;
}

/**
 * Holds no credential: Google's plugin gets one for whoever runs it. JSON, which is YAML too.
 *
 * @param certificate of the authority that signs the server's, in base64; none for host names, whose certificates are public
 */
export function kubeconfig({
  server,
  certificate,
}: {
  readonly server: string;
  readonly certificate?: string;
}): string {
  const cluster = {
    server: `https://${server}`,
    ...(certificate === undefined ? {} : { "certificate-authority-data": certificate }),
  };
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1beta1",
    command: "gke-gcloud-auth-plugin",
    installHint: "Install it with `gcloud components install gke-gcloud-auth-plugin`.",
    interactiveMode: "Never",
    provideClusterInfo: true,
  };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "skykv", cluster }],
    users: [{ name: "skykv", user: { exec } }],
    contexts: [{ name: "skykv", context: { cluster: "skykv", user: "skykv" } }],
    "current-context": "skykv",
  });
}
