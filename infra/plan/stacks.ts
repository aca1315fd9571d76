import { type Cloud, clouds } from "../names.ts";
import type { Certificates, CloudOutputs, GlobalOutputs } from "../stacks.ts";
import { Secret } from "./resource.ts";

const certificate = (subject: string) => `-----BEGIN CERTIFICATE-----\n${subject}\n-----END CERTIFICATE-----\n`;
const key = (subject: string) => `-----BEGIN PRIVATE KEY-----\n${subject}\n-----END PRIVATE KEY-----\n`;

const certificates = Object.fromEntries(
  clouds.map((cloud): [Cloud, Certificates] => [
    cloud,
    {
      server: { certificate: certificate(`${cloud} server`), key: key(`${cloud} server`) },
      peer: { certificate: certificate(`${cloud} peers`), key: key(`${cloud} peers`) },
    },
  ]),
);

const tenantId = "55555555-6666-4777-8888-999999999999";
const group = "/subscriptions/00000000-1111-4222-8333-444444444444/resourceGroups/skykv-1a2b3c4d";

// As they are when all stacks have run, those of the clouds once and that of the edge twice.
const aws: CloudOutputs = {
  poolId: "17b5962d775c646f3f9725cbc7a53df4",
  egressAddresses: ["198.51.100.10", "198.51.100.11", "198.51.100.12"],
  oidcIssuer: "https://oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF",
  backups: "skykv-backups-1a2b3c4",
  registry: "arn:aws:ecr:us-east-1:111122223333:repository/skykv-1a2b3c4",
};
const gcp: CloudOutputs = {
  poolId: "9290f38c5d07c2e2f4df57b1f61d4196",
  egressAddresses: ["198.51.100.20"],
  oidcIssuer: "https://container.googleapis.com/v1/projects/acme-skykv/locations/us-central1/clusters/skykv",
  backups: "skykv-backups-5d6e7f8",
  registry: "projects/acme-skykv/locations/us-central1/repositories/skykv-5d6e7f8",
};
const azure: CloudOutputs = {
  poolId: "00920f38ce07c2e2f4df50b1f61d4194",
  egressAddresses: ["198.51.100.30"],
  // The slash at its end is part of it.
  oidcIssuer: `https://eastus2.oic.prod-aks.azure.com/${tenantId}/66666666-7777-4888-8999-aaaaaaaaaaaa/`,
  backups: `${group}/providers/Microsoft.Storage/storageAccounts/skykvbackups1a2b3c4d/blobServices/default/containers/backups`,
  registry: `${group}/providers/Microsoft.ContainerRegistry/registries/skykv1a2b3c4d`,
};
const role = (from: Cloud) => `arn:aws:iam::111122223333:role/skykv-${from}-backups-1a2b3c4`;
const audience = (from: Cloud) =>
  `//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/skykv-${from}-backups-1a2b3c4d/providers/${from}-backups`;
const toAws = (from: Cloud) => ({ cloud: "aws", bucket: aws.backups, roleArn: role(from) }) as const;
const toGcp = (from: Cloud) => ({ cloud: "gcp", bucket: gcp.backups, audience: audience(from) }) as const;
const toAzure = (clientId: string) =>
  ({
    cloud: "azure",
    container: "https://skykvbackups1a2b3c4d.blob.core.windows.net/backups",
    clientId,
    tenantId,
  }) as const;

/** `certificates` is a secret as a whole, which its type does not say. */
const global: Omit<GlobalOutputs, "certificates"> & { readonly certificates: Secret } = {
  certificates: new Secret(certificates),
  originPullCa: certificate("SkyKV origin-pulls"),
  peerCa: certificate("SkyKV peers"),
  egressAddresses: { aws: aws.egressAddresses, gcp: gcp.egressAddresses, azure: azure.egressAddresses },
  backups: {
    aws: { gcp: toGcp("aws"), azure: toAzure("aaaaaaaa-0000-4000-8000-000000000001") },
    gcp: { aws: toAws("gcp"), azure: toAzure("aaaaaaaa-0000-4000-8000-000000000002") },
    azure: { aws: toAws("azure"), gcp: toGcp("azure") },
  },
};

/** Outputs of each stack, by the last part of its name, for the StackReferences of others. */
export const exampleOutputs: Readonly<Record<"global" | Cloud, Readonly<Record<string, unknown>>>> = {
  global,
  aws,
  gcp,
  azure,
};
