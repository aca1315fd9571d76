import { z } from "zod";
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

/**
 * Sizes by profile. An ACU is about 2 GiB with its CPU. The largest writer must carry the writes of three clouds, since
 * each cloud stores all.
 */
const sizes = {
  small: {
    natPerZone: false,
    endpoints: false,
    database: { minCapacity: 0.5, maxCapacity: 2, instances: 1, backupDays: 7 },
    cache: { nodeType: "cache.t4g.micro", shards: 1, replicas: 0 },
    nodes: { type: "m7g.large", min: 2, max: 4 },
  },
  standard: {
    natPerZone: true,
    endpoints: true,
    database: { minCapacity: 2, maxCapacity: 16, instances: 2, backupDays: 14 },
    cache: { nodeType: "cache.m7g.large", shards: 1, replicas: 1 },
    nodes: { type: "m7g.large", min: 3, max: 12 },
  },
  large: {
    natPerZone: true,
    endpoints: true,
    database: { minCapacity: 8, maxCapacity: 128, instances: 3, backupDays: 35 },
    cache: { nodeType: "cache.r7g.xlarge", shards: 3, replicas: 2 },
    nodes: { type: "m7g.2xlarge", min: 3, max: 24 },
  },
} as const;

/** No region has zones of more letters, and the plan of addresses has a place for each of them. */
export const zoneLetters = ["a", "b", "c", "d", "e", "f"] as const;
export type ZoneLetter = (typeof zoneLetters)[number];

const capacity = z.number().min(0.5).max(256).multipleOf(0.5);

export const awsConfig = (profile: Profile) => {
  const size = sizes[profile];
  return (
    z
      .strictObject({
        ...everyCloud(profile),
        kind: z.literal("aws"),
        accountId: z.string().regex(/^\d{12}$/, "expected the 12 digits of the account"),
        // ARNs in China and GovCloud begin otherwise.
        region: z.string().regex(/^(?!cn-|us-gov-)[a-z]{2}(-[a-z]+)+-\d$/, "expected a region such as us-east-1"),
        network: newOrExisting(
          z.strictObject({
            cidr: networkCidr.default("10.16.0.0/16").describe("Range of a new VPC"),
            zones: z
              .array(z.enum(zoneLetters))
              .min(2)
              .refine((letters) => new Set(letters).size === letters.length, "expected each letter once")
              .default(["a", "b", "c"])
              .describe("Letters of the availability zones to spread over; not every account has all of them"),
            natPerZone: z.boolean().default(size.natPerZone).describe("A NAT gateway in each zone, or one for all"),
            endpoints: z
              .boolean()
              .default(size.endpoints)
              .describe("Private endpoints for the services that pods call, which then need no NAT"),
          }),
          z.strictObject({
            existing: z.strictObject({
              vpcId: z.string().startsWith("vpc-"),
              cidr: cidr.describe("The VPC's range"),
              privateSubnetIds: z.array(z.string().startsWith("subnet-")).min(2).describe("Of nodes and pods"),
              publicSubnetIds: z.array(z.string().startsWith("subnet-")).min(1).describe("Of load balancers"),
              intraSubnetIds: z.array(z.string().startsWith("subnet-")).min(2).describe("Of database and cache"),
              egressAddresses: z.array(z.ipv4()).min(1).describe("Public addresses of its NAT gateways"),
            }),
          }),
        ),
        key: z
          .string()
          .regex(/^arn:aws[\w-]*:kms:/, "expected the ARN of a KMS key")
          .optional()
          .describe("An existing customer-managed key. Left out: one key is made for each kind of data"),
        cluster: z.strictObject({
          mode: clusterMode,
          version: z
            .string()
            .regex(/^1\.\d\d$/)
            .default("1.36"),
          endpoint: clusterEndpoint,
          administrators: z
            .array(z.string().regex(/^arn:aws[\w-]*:iam::\d{12}:role\//, "expected the ARN of a role"))
            .min(1)
            .describe("Roles that administer the cluster; the deployer's among them"),
          nodes: z
            .strictObject({
              type: z.string().default(size.nodes.type),
              min: z.int().min(1).max(100).default(size.nodes.min),
              max: z.int().min(1).max(100).default(size.nodes.max),
            })
            .refine(({ min, max }) => min <= max, "expected min to be at most max")
            .prefault({})
            .describe("Of mode managed-nodes"),
        }),
        database: z
          .strictObject({
            version: z
              .string()
              .regex(/^1[4-8]\.\d+$/)
              .default("17.7")
              .describe("Of Aurora PostgreSQL"),
            minCapacity: capacity.default(size.database.minCapacity).describe("ACUs when idle"),
            maxCapacity: capacity.default(size.database.maxCapacity).describe("ACUs at most"),
            instances: z.int().min(1).max(5).default(size.database.instances).describe("The writer and its standbys"),
            backupDays: z
              .int()
              .min(1)
              .max(35)
              .default(size.database.backupDays)
              .describe("Days to which it can be restored"),
          })
          .refine((sizes) => sizes.minCapacity <= sizes.maxCapacity, "expected minCapacity to be at most maxCapacity")
          .prefault({}),
        cache: z
          .strictObject({
            nodeType: z.string().startsWith("cache.").default(size.cache.nodeType),
            shards: z.int().min(1).max(90).default(size.cache.shards),
            replicas: z.int().min(0).max(5).default(size.cache.replicas).describe("Replicas of each shard"),
          })
          .prefault({}),
        queue: z
          .enum(["sqs", "rabbitmq", "postgres"])
          .default("postgres")
          .describe(`postgres: the database itself; rabbitmq: Amazon MQ; sqs: ${notYetSpoken}`),
      })
      // The broker's password is made by the program, which writes nothing into Vault.
      .refine(({ queue, secrets }) => queue !== "rabbitmq" || secrets.store === "cloud", {
        path: ["queue"],
        error: "expected sqs or postgres, or secrets in the cloud's own store, found rabbitmq with secrets in Vault",
      })
  );
};

export type AwsConfig = z.output<ReturnType<typeof awsConfig>>;
