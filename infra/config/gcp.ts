import { z } from "zod";
import {
  clusterEndpoint,
  clusterMode,
  everyCloud,
  networkCidr,
  newOrExisting,
  notYetSpoken,
  type Profile,
} from "./shared.ts";

/** Sizes by profile. Machine types of Cloud SQL name CPUs and, for `db-custom`, MiB of memory. */
const sizes = {
  small: {
    database: { edition: "ENTERPRISE", tier: "db-custom-1-3840", availability: "ZONAL", diskGb: 20, backups: 7 },
    cache: { nodeType: "SHARED_CORE_NANO", shards: 1, replicas: 0 },
    nodes: { type: "e2-standard-2", min: 1, max: 2 },
  },
  standard: {
    database: {
      edition: "ENTERPRISE",
      tier: "db-custom-2-7680",
      availability: "REGIONAL",
      diskGb: 200,
      backups: 14,
    },
    cache: { nodeType: "STANDARD_SMALL", shards: 1, replicas: 1 },
    nodes: { type: "n2d-standard-2", min: 1, max: 4 },
  },
  large: {
    database: {
      edition: "ENTERPRISE_PLUS",
      tier: "db-perf-optimized-N-16",
      availability: "REGIONAL",
      diskGb: 1000,
      backups: 35,
    },
    cache: { nodeType: "HIGHMEM_MEDIUM", shards: 3, replicas: 2 },
    nodes: { type: "n2d-standard-8", min: 1, max: 8 },
  },
} as const;

export const gcpConfig = (profile: Profile) => {
  const size = sizes[profile];
  return z.strictObject({
    ...everyCloud(profile),
    kind: z.literal("gcp"),
    project: z.string().regex(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/, "expected a project id"),
    projectNumber: z.string().regex(/^\d{6,14}$/, "expected the project's number"),
    region: z.string().regex(/^[a-z]+-[a-z]+\d+$/, "expected a region such as us-central1"),
    network: newOrExisting(
      z.strictObject({
        cidr: networkCidr
          .refine(
            (text) => Number(text.split("/")[1]) <= 18,
            "expected a prefix from /12 to /18: each node takes a /26",
          )
          .default("10.32.0.0/14")
          .describe("Range of a new network, pods and services included"),
      }),
      z.strictObject({
        existing: z.strictObject({
          network: z
            .string()
            .regex(/^projects\/[^/]+\/global\/networks\/[^/]+$/, "expected projects/P/global/networks/N"),
          subnetwork: z
            .string()
            .regex(
              /^projects\/[^/]+\/regions\/[^/]+\/subnetworks\/[^/]+$/,
              "expected projects/P/regions/R/subnetworks/S",
            ),
          podsRange: z.string().min(1).describe("Name of its secondary range of pods"),
          servicesRange: z.string().min(1).describe("Name of its secondary range of services"),
          egressAddresses: z.array(z.ipv4()).min(1).describe("Public addresses of its Cloud NAT"),
        }),
      }),
    ),
    key: z
      .string()
      .regex(/^projects\/.+\/cryptoKeys\/[^/]+$/, "expected projects/P/locations/L/keyRings/R/cryptoKeys/K")
      .optional()
      .describe("An existing customer-managed key. Left out: one key is made for each kind of data"),
    cluster: z
      .strictObject({
        mode: clusterMode,
        channel: z.enum(["REGULAR", "STABLE"]).default("REGULAR").describe("Release channel"),
        endpoint: clusterEndpoint
          .unwrap()
          .extend({
            dns: z
              .boolean()
              .default(false)
              .describe("Also reached by its host name: from any address, but only by whom IAM admits"),
          })
          .prefault({}),
        nodes: z
          .strictObject({
            type: z.string().default(size.nodes.type),
            min: z.int().min(0).max(100).default(size.nodes.min).describe("In each zone"),
            max: z.int().min(1).max(100).default(size.nodes.max).describe("In each zone"),
          })
          .refine(({ min, max }) => min <= max, "expected min to be at most max")
          .prefault({})
          .describe("Of mode managed-nodes"),
      })
      .prefault({}),
    database: z
      .strictObject({
        version: z.enum(["POSTGRES_15", "POSTGRES_16", "POSTGRES_17", "POSTGRES_18"]).default("POSTGRES_17"),
        edition: z.enum(["ENTERPRISE", "ENTERPRISE_PLUS"]).default(size.database.edition),
        tier: z.string().startsWith("db-").default(size.database.tier),
        availability: z.enum(["ZONAL", "REGIONAL"]).default(size.database.availability),
        diskGb: z.int().min(10).max(65_536).default(size.database.diskGb).describe("At first; it grows by itself"),
        backups: z.int().min(1).max(365).default(size.database.backups).describe("Daily backups to keep"),
      })
      .refine(
        ({ edition, tier }) => tier.startsWith("db-perf-optimized-") === (edition === "ENTERPRISE_PLUS"),
        "expected a tier db-perf-optimized-N-… with the edition ENTERPRISE_PLUS, and another with ENTERPRISE",
      )
      .prefault({}),
    cache: z
      .strictObject({
        nodeType: z
          .enum(["SHARED_CORE_NANO", "STANDARD_SMALL", "HIGHMEM_MEDIUM", "HIGHMEM_XLARGE"])
          .default(size.cache.nodeType),
        shards: z.int().min(1).max(250).default(size.cache.shards),
        replicas: z.int().min(0).max(5).default(size.cache.replicas).describe("Replicas of each shard"),
      })
      .prefault({}),
    queue: z
      .enum(["pubsub", "postgres"])
      .default("postgres")
      .describe(`postgres: the database itself; pubsub: ${notYetSpoken}`),
  });
};

export type GcpConfig = z.output<ReturnType<typeof gcpConfig>>;
