import type { AwsConfig } from "../config/aws.ts";
import { serviceRange } from "./subnets.ts";

/** What is the same in both modes. Most of it cannot be changed later. */
export function clusterSettings({ cluster: { version } }: AwsConfig) {
  return {
    version,
    // Rights in the cluster come from entries that are listed, not from whoever made it or from a ConfigMap.
    accessConfig: { authenticationMode: "API", bootstrapClusterCreatorAdminPermissions: false },
    // EKS's own copies of the add-ons would not be known to this program.
    bootstrapSelfManagedAddons: false,
    enabledClusterLogTypes: ["api", "audit", "authenticator", "controllerManager", "scheduler"],
    // Extended support costs six times as much, and comes by itself otherwise.
    upgradePolicy: { supportType: "STANDARD" },
    // AWS moves traffic away from a zone that is ill.
    zonalShiftConfig: { enabled: true },
  };
}

/**
 * Auto Mode is three switches that EKS takes together or not at all. It has none of EKS's own pools, and so, as EKS insists,
 * no role for their nodes.
 */
export function nodeSettings({ cluster: { mode } }: AwsConfig, networkCidr: string) {
  const enabled = mode === "automatic";
  return {
    computeConfig: { enabled },
    storageConfig: { blockStorage: { enabled } },
    kubernetesNetworkConfig: {
      ipFamily: "ipv4",
      serviceIpv4Cidr: serviceRange(networkCidr),
      elasticLoadBalancing: { enabled },
    },
  };
}

/** From inside of the network always; from outside for the ranges that are listed. */
export function endpointSettings({ cluster: { endpoint } }: AwsConfig) {
  const endpointPublicAccess = endpoint.cidrs.length > 0;
  return {
    endpointPrivateAccess: true,
    endpointPublicAccess,
    ...(endpointPublicAccess && { publicAccessCidrs: endpoint.cidrs }),
  };
}

/** A word for a role that no other has: `111122223333/skykv-deployer`. */
export function principalWord(roleArn: string): string {
  const [account, path] = roleArn.split(":").slice(4);
  return `${account}/${path!.replace(/^role\//, "")}`;
}
