import { z } from "zod";
import { parseCidr } from "../cidr.ts";
import { cloudflarePlans } from "../edge/plans.ts";
import { type Region, regions } from "../edge/steering.ts";
import { clouds } from "../names.ts";
import { cost } from "./cost.ts";

/**
 * How much of everything. `small` is cheap and not for production: one zone where a service has such a choice, burstable
 * databases, nothing protected from deletion. `standard` carries 2,000 reads and 500 writes a second with one
 * cloud lost. `large` about ten times that.
 */
export const profiles = ["small", "standard", "large"] as const;
export type Profile = (typeof profiles)[number];

export const word = (what: string) =>
  z.string().regex(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, `expected ${what}: a-z, 0-9 and -, beginning with a letter`);

/** Labels of Google Cloud allow no more, and tags say the same in every cloud. */
const label = z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/, "expected 1-63 of a-z 0-9 _ -, beginning with a letter");

export const domainName = z
  .string()
  .max(200)
  .regex(/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$/, "expected a host name such as kv.example.com");

/** A range of addresses; never all of them. */
export const cidr = z.string().superRefine((text, context) => {
  try {
    if (parseCidr(text).prefix === 0) context.addIssue("expected a range smaller than all addresses, found 0.0.0.0/0");
  } catch (error) {
    context.addIssue((error as Error).message);
  }
});

/** A network's own range: room for three zones and the pods of the largest profile. */
export const networkCidr = cidr.refine((text) => /\/(1[2-9]|20)$/.test(text), "expected a prefix from /12 to /20");

/**
 * A network that is made, or one that `existing` names. Not a union, which would judge what was given by the form that
 * was not meant.
 */
export function newOrExisting<N extends z.ZodType, E extends z.ZodType>(made: N, existing: E) {
  return z
    .looseObject({})
    .prefault({})
    .transform((given, context): z.output<N> | z.output<E> => {
      const parsed = ("existing" in given ? existing : made).safeParse(given);
      if (parsed.success) return parsed.data as z.output<N> | z.output<E>;
      context.issues.push(...(parsed.error.issues as z.core.$ZodRawIssue[]));
      return z.NEVER;
    });
}

export const email = z.email("expected an e-mail address");

/** `organization/project/stack`, as `pulumi stack ls` prints it. */
export const stackName = z
  .string()
  .regex(/^[\w.-]+\/[\w.-]+\/[\w.-]+$/, "expected organization/project/stack, such as acme/skykv/global");

const cpu = z.string().regex(/^(\d+m|\d+(\.\d+)?)$/, "expected CPUs such as 1 or 500m");
const memory = z.string().regex(/^\d+(Mi|Gi)$/, "expected memory such as 512Mi or 2Gi");

const imageByDigest = z.string().regex(/@sha256:[0-9a-f]{64}$/, "expected an image by digest: name@sha256:…");

/** The sizes of the workload that a profile sets. */
export type WorkloadSize = {
  readonly api: { readonly min: number; readonly max: number; readonly cpu: string; readonly memory: string };
  readonly replicator: { readonly min: number; readonly max: number; readonly cpu: string; readonly memory: string };
};

/**
 * Two clouds must carry the load of three, so `standard` starts with what half of 2,500 requests a second needs, twice
 * over. A process uses one CPU.
 */
export const workloadSizes: Record<Profile, WorkloadSize> = {
  small: {
    api: { min: 2, max: 4, cpu: "250m", memory: "512Mi" },
    replicator: { min: 1, max: 2, cpu: "250m", memory: "512Mi" },
  },
  standard: {
    api: { min: 3, max: 12, cpu: "1", memory: "1Gi" },
    replicator: { min: 2, max: 6, cpu: "500m", memory: "1Gi" },
  },
  large: {
    api: { min: 6, max: 60, cpu: "1", memory: "2Gi" },
    replicator: { min: 3, max: 24, cpu: "1", memory: "2Gi" },
  },
};

const replicas = (size: WorkloadSize["api"]) =>
  z
    .strictObject({
      min: z.int().min(1).max(500).default(size.min).describe("Pods that always run"),
      max: z.int().min(1).max(500).default(size.max).describe("Pods at most"),
      cpu: cpu.default(size.cpu).describe("CPUs of a pod; a process uses one"),
      memory: memory.default(size.memory).describe("Memory of a pod"),
    })
    .refine(({ min, max }) => min <= max, "expected min to be at most max")
    .prefault({});

/** `workload`: what runs of the service, and from which image. */
export const workload = (size: WorkloadSize) =>
  z
    .strictObject({
      image: imageByDigest
        .optional()
        .describe("The image, by digest. Left out: built from this checkout and pushed to the cloud's own registry"),
      api: replicas(size.api),
      replicator: replicas(size.replicator),
    })
    .prefault({});

/** `secrets`: where the cluster takes them from. */
export const secrets = z
  .discriminatedUnion("store", [
    z.strictObject({ store: z.literal("cloud").describe("The cloud's own secret manager") }),
    z.strictObject({
      store: z.literal("vault").describe("Vault or OpenBao, with the Kubernetes auth method"),
      address: z.url({ protocol: /^https$/ }).describe("Where it is"),
      mount: z.string().min(1).default("kubernetes").describe("Path of the auth method"),
      role: z.string().min(1).default("skykv").describe("Role that the External Secrets Operator takes"),
      path: z.string().min(1).default("secret").describe("Path of the key-value engine, version 2"),
    }),
  ])
  .default({ store: "cloud" });

/** `cluster.endpoint`: who can reach the API of Kubernetes. */
export const clusterEndpoint = z
  .strictObject({
    cidrs: z
      .array(cidr)
      .max(30)
      .default([])
      .describe("Public ranges from which the Kubernetes API can be reached; none: from inside of the network alone"),
  })
  .prefault({});

/** `cluster.mode`: who runs the nodes. */
export const clusterMode = z
  .enum(["automatic", "managed-nodes"])
  .default("automatic")
  .describe("automatic: the cloud runs the nodes. managed-nodes: pools of nodes of a size that you set");

/** The keys that every stack has. */
export const everyStack = {
  profile: z.enum(profiles).default("standard").describe("Sizes of everything; single keys override it"),
  owner: label.describe("Who answers for it: a tag on every resource"),
  dataClass: label.default("confidential").describe("How sensitive the stored values are: a tag on every resource"),
  domain: domainName.describe(
    "Host name of the store. Clouds are at <cloud>.<domain>, their peers' ports at <cloud>-peers.<domain>",
  ),
} as const;

export const cloudflare = z.strictObject({
  accountId: z.string().regex(/^[0-9a-f]{32}$/, "expected the 32 hex digits of the account's id"),
  zoneId: z
    .string()
    .regex(/^[0-9a-f]{32}$/, "expected the 32 hex digits of the zone's id")
    .describe("The DNS zone that the domain lies in"),
  zone: domainName.describe("Its name; the domain is it, or one name below it"),
  plan: z.enum(cloudflarePlans).default("business").describe("The zone's plan"),
});

/** `probe`: how the edge finds out whether a cloud can serve. Seconds. */
export const probe = z
  .strictObject({
    interval: z
      .int()
      .min(10)
      .max(3600)
      .optional()
      .describe("Between probes. Left out: the shortest that the plan allows"),
    timeout: z.int().min(1).max(10).default(5),
    retries: z.int().min(0).max(5).default(1).describe("At once after a timeout"),
    consecutiveDown: z.int().min(1).max(10).default(2).describe("Failed intervals until a cloud gets no more traffic"),
    consecutiveUp: z.int().min(1).max(10).default(2).describe("Good intervals until it gets traffic again"),
    regions: z
      .array(z.enum(Object.keys(regions) as [Region, ...Region[]]))
      .min(2)
      .max(13)
      .default(["ENAM", "WEU", "SEAS"])
      .describe("Where probes come from"),
  })
  .prefault({});

/** `location`: where the cloud's region is, for those that this program does not know. */
export const location = z
  .strictObject({ latitude: z.number().min(-90).max(90), longitude: z.number().min(-180).max(180) })
  .optional()
  .describe("Degrees. Needed only for regions that are not known by name");

/** The keys that the stack of every cloud has. */
export const everyCloud = (profile: Profile) =>
  ({
    ...everyStack,
    globalStack: stackName.describe("The stack of the edge, which gives this cloud its certificates"),
    peers: z
      .array(z.enum(clouds))
      .default([...clouds])
      .describe("All clouds of the cluster, this one included"),
    cloudflare,
    probe,
    location,
    ingress: z
      .strictObject({
        mode: z
          .enum(["loadbalancer", "tunnel"])
          .default("loadbalancer")
          .describe(
            "How the edge reaches the API: a public load balancer for Cloudflare's ranges, or a tunnel from inside",
          ),
        connectorImage: imageByDigest
          .default(
            "docker.io/cloudflare/cloudflared:2026.7.3@sha256:e39ee8da81ad5e05d77f38d2f51c60ca51bf2a8450ac3abab50c17fdb91d91bf",
          )
          .describe("cloudflared, by digest: the inner end of the tunnel"),
      })
      .prefault({}),
    secrets,
    workload: workload(workloadSizes[profile]),
    cost: cost(profile),
    alarms: z
      .strictObject({ email: email.optional().describe("Who is told of alarms of the cloud's own monitoring") })
      .prefault({}),
  }) as const;

/** Of the clouds' own queues: the program builds them, for a release of the service that has their adapters. */
export const notYetSpoken = "for later, the service of this release refuses to start with it";
