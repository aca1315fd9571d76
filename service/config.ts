import { readFileSync } from "node:fs";
import { z } from "zod";
import { longestSession, maxSessionBytes } from "./kv/session.ts";

const port = z.coerce.number().int().min(0).max(65535);
const milliseconds = z.coerce.number().int().min(1).max(600_000);
const bytes = z.coerce.number().int().min(1_000_000);
const file = z
  .string()
  .min(1)
  .transform((path, context) => {
    try {
      return readFileSync(path);
    } catch (error) {
      context.addIssue({ code: "custom", message: `cannot be read: ${(error as Error).message}` });
      return z.NEVER;
    }
  });

const login = z.enum(["password", "aws-iam", "gcp-iam", "entra"]).default("password");
const cloud = /^[a-z0-9-]{1,32}$/;

/** `gcp=https://gcp-peers.kv.example.com:8444,azure=…`: names and addresses of the other clouds. */
const peers = z.string().transform((text, context) => {
  const found = new Map<string, string>();
  for (const part of text
    .split(",")
    .map((one) => one.trim())
    .filter(Boolean)) {
    const [name, url] = [part.slice(0, part.indexOf("=")), part.slice(part.indexOf("=") + 1)];
    if (!cloud.test(name) || !/^https:\/\/[^/?#]+$/.test(url) || !URL.canParse(url) || found.has(name)) {
      context.addIssue({
        code: "custom",
        message: `expected each cloud once as name=https://host:port, found ${part}`,
      });
      return z.NEVER;
    }
    found.set(name, url);
  }
  return found;
});

const environment = z
  .object({
    SKYKV_CLOUD: z
      .string()
      .regex(cloud)
      .default("local")
      .describe("The cloud that this process runs in; the origin of its writes"),
    ROLE: z
      .enum(["all", "api", "replicator", "migration", "reseed"])
      .default("all")
      .describe(
        "all: everything. api: serves clients and takes what peers send. replicator: sends changes to peers. migration: brings the schema up to date and ends. reseed: lets an expelled cloud come back, and ends",
      ),
    DATABASE_URL: z
      .string()
      .regex(/^postgres(ql)?:\/\//, "expected postgres://user:password@host:port/database")
      .describe("PostgreSQL 14-18"),
    DATABASE_LOGIN: login.describe("password: in DATABASE_URL. Others: its user, with tokens of the cloud's identity"),
    DATABASE_CA_FILE: file.optional().describe("Certificates in PEM that sign the server's. None: the system's"),
    DATABASE_USERS: z
      .string()
      .default("")
      .describe("Users, parted by commas, whom the role migration lets read and write"),
    RESEED_UNSENT: z
      .enum(["keep", "rewrite", "drop"])
      .default("keep")
      .describe(
        "What the role reseed does with writes that no other cloud has. keep: as conflicts. rewrite: as new writes, which win over what the others have done since. drop: nothing",
      ),
    DATABASE_ADMIN_USER: z
      .string()
      .min(1)
      .optional()
      .describe("By whom the role migration makes users that are not there"),
    DATABASE_ADMIN_PASSWORD_FILE: file.optional().describe("File that holds its password"),
    REDIS_URL: z
      .string()
      .regex(/^rediss?(\+cluster)?:\/\//, "expected redis://, rediss://, redis+cluster:// or rediss+cluster://")
      .optional()
      .describe(
        "Valkey or Redis: shared cache, invalidations and rate limits of several processes. None: each by itself",
      ),
    REDIS_LOGIN: login.describe("As DATABASE_LOGIN, for REDIS_URL"),
    REDIS_CA_FILE: file.optional().describe("As DATABASE_CA_FILE, for REDIS_URL"),
    QUEUE_URL: z
      .string()
      .regex(
        /^(sqs\+https:\/\/|pubsub:projects\/|servicebus:\/\/|amqps?:\/\/)./,
        "expected sqs+https://, pubsub:projects/, servicebus://, amqp:// or amqps://",
      )
      .refine((url) => !url.startsWith("amqp") || URL.canParse(url), "expected amqp[s]://user:password@host:port/vhost")
      .optional()
      .describe("Queue of hints for replicators. amqp, amqps: RabbitMQ. None: the database"),
    BLOBS_URL: z
      .string()
      .regex(
        /^(s3:\/\/|gs:\/\/|https:\/\/[a-z0-9]+\.blob\.core\.windows\.net\/)./,
        "expected s3://bucket?region=, gs://bucket or https://account.blob.core.windows.net/container",
      )
      .optional()
      .describe("Object storage of values above 1 MiB, instead of BLOBS_DIR"),
    BLOBS_DIR: z.string().min(1).default("./blobs").describe("Folder of values above 1 MiB"),
    HOST: z.string().min(1).default("127.0.0.1").describe("Address of the API"),
    PORT: port.default(8080).describe("Port of the API; 0 takes a free one"),
    METRICS_PORT: port.default(9090).describe("Port of /metrics, /health and /ready; 0 takes a free one"),
    PEERS: peers
      .default(new Map())
      .describe("The other clouds: name=https://host:port, parted by commas. None: a cloud by itself"),
    PEER_PORT: port.default(8444).describe("Port for the other clouds, opened when there are any; 0 takes a free one"),
    PEER_TLS_CERT_FILE: file.optional().describe("This cloud's certificate in PEM; its common name is SKYKV_CLOUD"),
    PEER_TLS_KEY_FILE: file.optional().describe("Its key"),
    PEER_TLS_CA_FILE: file.optional().describe("The CA that signs the certificates of all clouds"),
    SKYKV_ADMIN_KEY: z.string().optional().describe("First admin key: skykv_<12>_<43>. Kept as a hash"),
    SKYKV_ADMIN_KEY_FILE: file.optional().describe("File that holds the first admin key"),
    TLS_CERT_FILE: file.optional().describe("Certificate chain in PEM: the API then speaks HTTPS"),
    TLS_KEY_FILE: file.optional().describe("Its key"),
    TLS_CLIENT_CA_FILE: file.optional().describe("Clients must show a certificate that this CA signed"),
    JWT_ISSUER: z
      .url()
      .optional()
      .describe("OIDC issuer whose tokens are taken, with scopes like read:team-* in the claim `scope`"),
    JWT_AUDIENCE: z.string().min(1).optional().describe("Audience that the tokens must name"),
    JWT_JWKS_URL: z.url().optional().describe("Where the issuer's keys are"),
    CORS_ORIGINS: z
      .string()
      .default("")
      .transform((text) =>
        text
          .split(",")
          .map((origin) => origin.trim())
          .filter(Boolean),
      )
      .describe("Origins whose pages may call the API, parted by commas"),
    REQUEST_TIMEOUT_MS: milliseconds.default(5000).describe("Deadline of the database for one request"),
    SHUTDOWN_PAUSE_MS: z.coerce
      .number()
      .int()
      .min(0)
      .max(60_000)
      .default(0)
      .describe("After SIGTERM: goes on serving so long while /ready fails, until load balancers have heard"),
    SHUTDOWN_TIMEOUT_MS: milliseconds.default(20_000).describe("After that: open requests may take so long"),
    MAX_CONNECTIONS: z.coerce.number().int().min(1).default(10_000).describe("Open connections of clients"),
    L1_BYTES: bytes.default(64 * 2 ** 20).describe("Memory of the process's own cache"),
    FEED_HOURS: z.coerce.number().min(1).default(24).describe("How long changes are kept for watches"),
    FEED_BYTES: bytes.default(10 * 2 ** 30).describe("And how much of them"),
    LOG_LEVEL: z
      .enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"])
      .default("info")
      .describe("Of the JSON lines on stdout"),
  })
  .superRefine((env, context) => {
    const issue = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    if (env.SKYKV_ADMIN_KEY && env.SKYKV_ADMIN_KEY_FILE)
      issue("SKYKV_ADMIN_KEY", "and SKYKV_ADMIN_KEY_FILE exclude each other");
    if (!env.TLS_CERT_FILE !== !env.TLS_KEY_FILE)
      issue(env.TLS_CERT_FILE ? "TLS_KEY_FILE" : "TLS_CERT_FILE", "is missing: certificate and key go together");
    if (env.TLS_CLIENT_CA_FILE && !env.TLS_CERT_FILE)
      issue("TLS_CLIENT_CA_FILE", "needs TLS_CERT_FILE and TLS_KEY_FILE");
    const jwt = [env.JWT_ISSUER, env.JWT_AUDIENCE, env.JWT_JWKS_URL];
    if (jwt.some(Boolean) && !jwt.every(Boolean)) issue("JWT_ISSUER", "JWT_AUDIENCE and JWT_JWKS_URL go together");
    for (const name of ["PEER_TLS_CERT_FILE", "PEER_TLS_KEY_FILE", "PEER_TLS_CA_FILE"] as const) {
      if (env.PEERS.size > 0 && !env[name]) issue(name, "is missing: clouds know each other by their certificates");
      if (env.PEERS.size === 0 && env[name]) issue(name, "needs PEERS");
    }
    if (env.PEERS.has(env.SKYKV_CLOUD)) issue("PEERS", `holds this cloud itself, ${env.SKYKV_CLOUD}`);
    const sessionBytes = longestSession([env.SKYKV_CLOUD, ...env.PEERS.keys()]);
    if (sessionBytes > maxSessionBytes)
      issue(
        "PEERS",
        `and SKYKV_CLOUD make session tokens of up to ${sessionBytes} bytes, and ${maxSessionBytes} are allowed: use shorter names`,
      );
    for (const name of ["PORT", "METRICS_PORT"] as const) {
      if (env.PEERS.size > 0 && env.PEER_PORT !== 0 && env[name] === env.PEER_PORT)
        issue(name, "is the same as PEER_PORT");
    }
    for (const name of ["DATABASE", "REDIS"] as const) {
      const byIdentity = env[`${name}_LOGIN`] !== "password";
      if (byIdentity && URL.canParse(env[`${name}_URL`] ?? "") && new URL(env[`${name}_URL`]!).password !== "")
        issue(`${name}_URL`, `holds a password, which ${name}_LOGIN=${env[`${name}_LOGIN`]} does without`);
    }
    if ((env.REDIS_LOGIN !== "password" || env.REDIS_CA_FILE) && !env.REDIS_URL)
      issue("REDIS_URL", "is missing: REDIS_LOGIN and REDIS_CA_FILE are about it");
    if (!env.DATABASE_ADMIN_USER !== !env.DATABASE_ADMIN_PASSWORD_FILE)
      issue("DATABASE_ADMIN_USER", "and DATABASE_ADMIN_PASSWORD_FILE go together");
    for (const name of ["DATABASE_USERS", "DATABASE_ADMIN_USER"] as const)
      if (env[name] && env.ROLE !== "migration") issue(name, "is for ROLE=migration");
    if (env.RESEED_UNSENT !== "keep" && env.ROLE !== "reseed") issue("RESEED_UNSENT", "is for ROLE=reseed");
    if (env.PORT !== 0 && env.PORT === env.METRICS_PORT) issue("METRICS_PORT", "is the same as PORT");
  });

/** The configuration of one process. Parsed once; inside there are no defaults. */
export type Config = z.output<typeof environment>;

/** Everything that is wrong with the environment, one line each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Reads the environment. Throws one {@link ConfigError} with all faults. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => name in environment.shape && value !== ""),
  );
  const parsed = environment.safeParse(given);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0]);
    return `  ${name}: ${name in given ? issue.message : issue.code === "invalid_type" ? `is missing: ${describe(name)}` : issue.message}`;
  });
  throw new ConfigError(
    `the configuration has ${lines.length} fault${lines.length > 1 ? "s" : ""}:\n${lines.join("\n")}`,
  );
}

/**
 * What is asked for and this release cannot do yet. The whole vocabulary of a deployment is read, so that it is checked early; but a
 * process that ignored one of these would look as if it did what it was told. Throws one {@link ConfigError}.
 */
export function refuseUnsupported(config: Config): void {
  const lines = [
    ...(["DATABASE_LOGIN", "REDIS_LOGIN"] as const).map((name) =>
      config[name] === "password" ? null : `${name}: ${config[name]} is not in this release; it logs in by password`,
    ),
    config.QUEUE_URL && !config.QUEUE_URL.startsWith("amqp")
      ? "QUEUE_URL: is not in this release but for amqp and amqps; without it hints go through the database"
      : null,
    ...(Object.keys(instead) as (keyof typeof instead)[]).map((name) =>
      config[name] ? `${name}: is not in this release; ${instead[name]}` : null,
    ),
  ].filter((line) => line !== null);
  if (lines.length > 0) throw new ConfigError(`this release cannot do what it is told:\n  ${lines.join("\n  ")}`);
}

const instead = {
  DATABASE_CA_FILE: "give sslmode and sslrootcert in DATABASE_URL",
  REDIS_CA_FILE: "the system's certificates are used",
  BLOBS_URL: "large values go to the folder BLOBS_DIR",
} as const;

function describe(name: string): string {
  return (environment.shape as Record<string, z.ZodType>)[name]?.description ?? "";
}

const secret = /KEY|PASSWORD|SECRET/;

/** The configuration for people to read, without secrets. */
export function printable(config: Config): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => {
      if (value === undefined) return [name, null];
      if (value instanceof Map) return [name, Object.fromEntries(value)];
      if (Buffer.isBuffer(value)) return [name, `(${value.length} bytes)`];
      if (secret.test(name)) return [name, "(set)"];
      if (name.endsWith("_URL") && typeof value === "string")
        return [name, value.replace(/\/\/[^/]*@/, "//***@").replace(/([?&][^=&]*password=)[^&]*/gi, "$1***")];
      return [name, value];
    }),
  );
}

/** Names, meanings and defaults of all variables, for `--help`. */
export function configHelp(): string {
  const rows = Object.entries(environment.shape).map(([name, schema]) => {
    const fallback = (schema as { def?: { defaultValue?: unknown } }).def?.defaultValue;
    const text = fallback === undefined || fallback === "" || fallback instanceof Map ? "" : ` (default ${fallback})`;
    return `  ${name.padEnd(22)} ${schema.description ?? ""}${text}`;
  });
  return rows.join("\n");
}
