import { z } from "zod";
import { clouds } from "../names.ts";
import { cost } from "./cost.ts";
import { cloudflare, email, everyStack, location, type Profile, stackName } from "./shared.ts";

/** One cloud behind the edge. */
const member = z.strictObject({
  state: z
    .enum(["active", "drained"])
    .describe("drained: takes no traffic, and stays a peer. Left out of `clouds`: removed"),
  region: z.string().min(1).describe("The region of the cloud's stack; steering goes by distance"),
  stack: stackName.describe("The cloud's stack"),
  location,
});

const generation = z.string().regex(/^[a-z0-9]{1,16}$/, "expected 1-16 of a-z 0-9");

const guid = z.guid("expected a UUID");

export const globalConfig = (profile: Profile) =>
  z.strictObject({
    ...everyStack,
    kind: z.literal("global"),
    cloudflare: cloudflare.extend({
      trafficSteering: z
        .boolean()
        .default(true)
        .describe("Whether the load balancer's add-on Traffic Steering is bought; it is part of enterprise"),
    }),
    clouds: z
      .partialRecord(z.enum(clouds), member)
      .describe("The clouds behind the edge; {} before the first of them exists"),
    steering: z
      .strictObject({
        policy: z
          .enum(["geo", "off"])
          .default("geo")
          .describe("geo: the nearest cloud answers. off: the first healthy one of `preference` does"),
        preference: z
          .array(z.enum(clouds))
          .default([...clouds])
          .refine((given) => clouds.every((cloud) => given.filter((word) => word === cloud).length === 1), {
            error: `expected each of ${clouds.join(", ")} once`,
          })
          .describe("All clouds, most preferred first. A list, because Pulumi sorts the keys of maps"),
      })
      .prefault({}),
    edge: z
      .strictObject({
        requestsPerMinute: z
          .int()
          .min(10)
          .max(10_000_000)
          .default(60_000)
          .describe("From one address, in one data centre of Cloudflare's, before it is refused for a while"),
        failedLoginsPerMinute: z
          .int()
          .min(10)
          .max(10_000)
          .optional()
          .describe("Answers 401 to one address before it is refused. Left out: 60 where the plan can count them"),
        managedRules: z
          .boolean()
          .optional()
          .describe("Cloudflare's managed rules and OWASP's. Left out: on where the plan has them"),
        hstsDays: z.int().min(0).max(730).default(365).describe("Browsers insist on HTTPS for so long; 0 for never"),
        certificateAuthorities: z
          .array(z.string().min(1))
          .min(1)
          .default(["letsencrypt.org", "pki.goog", "ssl.com"])
          .describe("Who may issue certificates for the domain (CAA)"),
      })
      .prefault({}),
    notifications: z
      .strictObject({
        emails: z.array(email).default([]),
        webhook: z.url({ protocol: /^https$/ }).optional(),
      })
      .prefault({})
      .describe("Who is told when a cloud or a certificate fails"),
    authorities: z
      .array(generation)
      .min(1)
      .max(3)
      .refine((words) => new Set(words).size === words.length, "expected each word once")
      .default(["a"])
      .describe("Generations of the private certificate authorities: all are trusted, the first one signs"),
    cost: cost(profile),
    github: z
      .strictObject({
        subject: z
          .string()
          .regex(
            /^repo:[\w.-]+(@\d+)?\/[\w.-]+(@\d+)?$/,
            "expected repo:OWNER/REPO or, for newer repositories, repo:OWNER@ID/REPO@ID",
          )
          .describe("Beginning of the subjects of the repository's tokens"),
        ownerId: z.string().regex(/^\d+$/),
        repositoryId: z.string().regex(/^\d+$/),
        environment: z
          .string()
          .regex(/^[\w.-]+$/, "expected the name of an environment")
          .default("production")
          .describe("The environment whose jobs may push images"),
      })
      .optional()
      .describe("The repository whose workflows push images"),
    aws: z
      .strictObject({
        accountId: z.string().regex(/^\d{12}$/, "expected the 12 digits of the account"),
        githubProviderArn: z
          .string()
          .regex(/^arn:aws[\w-]*:iam::\d{12}:oidc-provider\//, "expected the ARN of an OIDC provider")
          .nullable()
          .default(null)
          .describe("The account's provider for GitHub, where there is one: an account has one at most"),
      })
      .optional()
      .describe("Where trust in the other clouds is kept; needed when `clouds` has aws"),
    gcp: z
      .strictObject({ project: z.string().min(1) })
      .optional()
      .describe("Needed when `clouds` has gcp"),
    azure: z
      .strictObject({ subscriptionId: guid, tenantId: guid })
      .optional()
      .describe("Needed when `clouds` has azure"),
  });

export type GlobalConfig = z.output<ReturnType<typeof globalConfig>>;
