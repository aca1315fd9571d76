/** All rules, by what they are about. */
import type { Rule } from "../rule.ts";
import { everywhere } from "./all.ts";
import { awsAvailability } from "./availability/aws.ts";
import { azureAvailability } from "./availability/azure.ts";
import { gcpAvailability } from "./availability/gcp.ts";
import { cloudflare } from "./edge/cloudflare.ts";
import { awsEncryption } from "./encryption/aws.ts";
import { azureEncryption } from "./encryption/azure.ts";
import { gcpEncryption } from "./encryption/gcp.ts";
import { awsIdentity } from "./identity/aws.ts";
import { azureIdentity } from "./identity/azure.ts";
import { gcpIdentity } from "./identity/gcp.ts";
import { cluster } from "./kubernetes/cluster.ts";
import { pods } from "./kubernetes/pods.ts";
import { awsNetwork } from "./network/aws.ts";
import { azureNetwork } from "./network/azure.ts";
import { gcpNetwork } from "./network/gcp.ts";

/** By concern, in the order of the guide. */
export const concerns: Readonly<Record<string, readonly Rule[]>> = {
  Encryption: [...awsEncryption, ...gcpEncryption, ...azureEncryption],
  Identity: [...awsIdentity, ...gcpIdentity, ...azureIdentity],
  Network: [...awsNetwork, ...gcpNetwork, ...azureNetwork],
  "Availability and retention": [...awsAvailability, ...gcpAvailability, ...azureAvailability],
  Kubernetes: [...pods, ...cluster],
  Edge: cloudflare,
  Everywhere: everywhere,
};

export const rules: readonly Rule[] = Object.values(concerns).flat();
