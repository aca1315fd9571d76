import { z } from "zod";
import { outsideOfOverlay, overlay } from "../azure/network-plan.ts";
import { pairedRegion } from "../azure/paired-region.ts";
import {
  cidr,
  clusterEndpoint,
  clusterMode,
  everyCloud,
  networkCidr,
  newOrExisting,
  notYetSpoken,
  type Profile,
} from "./shared.ts";

/** Sizes by profile. */
const sizes = {
  small: {
    database: { sku: "Standard_B2s", tier: "Burstable", storageGb: 64, highAvailability: false, backupDays: 7 },
    cache: { sku: "Balanced_B0", highAvailability: true },
    nodes: { type: "Standard_D2ds_v5", min: 2, max: 4 },
  },
  standard: {
    database: {
      sku: "Standard_D2ds_v5",
      tier: "GeneralPurpose",
      storageGb: 256,
      highAvailability: true,
      backupDays: 14,
    },
    cache: { sku: "Balanced_B5", highAvailability: true },
    nodes: { type: "Standard_D2ds_v5", min: 3, max: 12 },
  },
  large: {
    database: {
      sku: "Standard_D16ds_v5",
      tier: "GeneralPurpose",
      storageGb: 1024,
      highAvailability: true,
      backupDays: 35,
    },
    cache: { sku: "Balanced_B50", highAvailability: true },
    nodes: { type: "Standard_D8ds_v5", min: 3, max: 24 },
  },
} as const;

const guid = z.guid("expected a UUID");

const key = {
  vaultId: z
    .string()
    .regex(/^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.KeyVault\/vaults\/[^/]+$/, {
      error: "expected /subscriptions/S/resourceGroups/G/providers/Microsoft.KeyVault/vaults/V",
    })
    .describe("Resource id of the Key Vault"),
  keyUri: z
    .string()
    .regex(/^https:\/\/[^/]+\/keys\/[^/]+$/, "expected https://V.vault.azure.net/keys/K")
    .describe("URI of the key, without its version"),
};

/** Pods and Services have addresses of their own in the cluster, which the network must not have too. */
const notOfPods = (range: z.ZodType<string, string>) =>
  range.refine(
    outsideOfOverlay,
    `expected a range apart from ${overlay.pods} and ${overlay.services}, which pods have`,
  );

export const azureConfig = (profile: Profile) => {
  const size = sizes[profile];
  const schema = z.strictObject({
    ...everyCloud(profile),
    kind: z.literal("azure"),
    subscriptionId: guid,
    tenantId: guid,
    region: z.string().regex(/^[a-z]+\d?$/, "expected a region such as eastus2"),
    network: newOrExisting(
      z.strictObject({
        cidr: notOfPods(networkCidr).default("10.48.0.0/16").describe("Range of a new virtual network"),
      }),
      z.strictObject({
        existing: z.strictObject({
          vnetId: z.string().startsWith("/subscriptions/"),
          cidr: notOfPods(cidr).describe("The network's range"),
          nodesSubnetId: z.string().startsWith("/subscriptions/"),
          apiServerSubnetId: z
            .string()
            .startsWith("/subscriptions/")
            .describe("Delegated to Microsoft.ContainerService/managedClusters"),
          databaseSubnetId: z
            .string()
            .startsWith("/subscriptions/")
            .describe("Delegated to Microsoft.DBforPostgreSQL/flexibleServers"),
          endpointsSubnetId: z.string().startsWith("/subscriptions/").describe("Of private endpoints"),
          egressAddresses: z.array(z.ipv4()).min(1).describe("Public addresses of its NAT gateway"),
        }),
      }),
    ),
    key: z
      .strictObject({
        ...key,
        paired: z
          .strictObject(key)
          .optional()
          .describe("A key in the paired region, which geo-redundant backups are under"),
      })
      .optional()
      .describe("An existing customer-managed key. Left out: one key is made for each kind of data"),
    cluster: z
      .strictObject({
        mode: clusterMode,
        version: z
          .string()
          .regex(/^1\.\d\d$/)
          .default("1.35"),
        endpoint: clusterEndpoint,
        administratorsGroupId: guid.describe("Object id of the Entra group that administers cluster and database"),
        administratorsGroupName: z
          .string()
          .regex(/^[^"\\]{1,63}$/, "expected the group's name, at most 63 characters")
          .describe("Name of that group: as who its members log in to the database"),
        nodes: z
          .strictObject({
            type: z.string().startsWith("Standard_").default(size.nodes.type),
            min: z.int().min(0).max(100).default(size.nodes.min),
            max: z.int().min(1).max(100).default(size.nodes.max),
          })
          .prefault({})
          .describe("Mode automatic: min is the size of the system pool. Mode managed-nodes: the pool of the workload"),
      })
      .refine(({ mode, nodes }) => mode === "managed-nodes" || nodes.min > 0, {
        path: ["nodes", "min"],
        error: "expected 1 or more in mode automatic, whose system pool it is, found 0",
      }),
    database: z
      .strictObject({
        version: z.enum(["14", "15", "16", "17", "18"]).default("17"),
        sku: z.string().startsWith("Standard_").default(size.database.sku),
        tier: z.enum(["Burstable", "GeneralPurpose", "MemoryOptimized"]).default(size.database.tier),
        storageGb: z.int().min(32).max(32_767).default(size.database.storageGb),
        highAvailability: z.boolean().default(size.database.highAvailability).describe("A standby in another zone"),
        backupDays: z
          .int()
          .min(7)
          .max(35)
          .default(size.database.backupDays)
          .describe("Days to which it can be restored"),
        geoBackups: z
          .boolean()
          .default(true)
          .describe("Backups in the paired region too. Changing it replaces the database"),
      })
      .refine(
        ({ tier, highAvailability }) => !(tier === "Burstable" && highAvailability),
        "expected tier GeneralPurpose or MemoryOptimized with highAvailability, found Burstable",
      )
      .prefault({}),
    cache: z
      .strictObject({
        sku: z
          .string()
          .regex(/^(Balanced|MemoryOptimized|ComputeOptimized|FlashOptimized)_[A-Z]\d+$/)
          .default(size.cache.sku),
        highAvailability: z.boolean().default(size.cache.highAvailability),
      })
      .prefault({}),
    queue: z
      .enum(["servicebus", "postgres"])
      .default("postgres")
      .describe(`postgres: the database itself; servicebus: ${notYetSpoken}`),
  });
  return schema.superRefine((config, context) => {
    if (!config.database.geoBackups) return;
    const issue = (message: string, path: string[]) => context.addIssue({ code: "custom", message, path });
    if (pairedRegion(config.region) === null) {
      issue(`expected false: ${config.region} is paired with no region`, ["database", "geoBackups"]);
    } else if (config.key && !config.key.paired) {
      issue(`expected a key in ${pairedRegion(config.region)} too, or database.geoBackups false`, ["key", "paired"]);
    }
  });
};

export type AzureConfig = z.output<ReturnType<typeof azureConfig>>;
