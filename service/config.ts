import { readFileSync } from "node:fs";
import { z } from "zod";

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

const cloud = /^[a-z0-9-]{1,32}$/;

/** `gcp=https://gcp.kv.example.com:8444,azure=…`: names and addresses of the other clouds. */
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
    DATABASE_URL: z
      .string()
      .regex(/^postgres(ql)?:\/\//, "expected postgres://user:password@host:port/database")
      .describe("PostgreSQL 14-18"),
    REDIS_URL: z
      .string()
      .regex(/^rediss?(\+cluster)?:\/\//, "expected redis://, rediss://, redis+cluster:// or rediss+cluster://")
      .optional()
      .describe(
        "Valkey or Redis: shared cache, invalidations and rate limits of several processes. None: each by itself",
      ),
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
    for (const name of ["PORT", "METRICS_PORT"] as const) {
      if (env.PEERS.size > 0 && env.PEER_PORT !== 0 && env[name] === env.PEER_PORT)
        issue(name, "is the same as PEER_PORT");
    }
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
