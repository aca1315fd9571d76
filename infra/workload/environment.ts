/**
 * The variables that the service is configured by, from what the platform provides. The names are those of the service's own
 * schema, so the compiler finds one that the service does not know; the tests give the values to the schema.
 */
import * as pulumi from "@pulumi/pulumi";
import type { Config as ServiceConfig } from "../../service/config.ts";
import { type Cloud, type Component, ports } from "../names.ts";
import type { Blobs, Login, Queue, WorkloadPlatform } from "../platform.ts";
import { type AuthorityName, authoritiesFolder, type Bundle, bundleFolder, type Item } from "./bundles.ts";

export type EnvironmentArgs = {
  readonly component: Component;
  readonly platform: WorkloadPlatform;
  /** URL of each other cloud's peers' port. */
  readonly peers: Readonly<Partial<Record<Cloud, string>>>;
  /** `edge`: callers show Cloudflare's certificate. `tunnel`: they come from the connector, which shows none. Null: no TLS. */
  readonly tls: "edge" | "tunnel" | null;
  /** Of the container, such as 512Mi. */
  readonly memory: string;
};

/** A value, an item of a Secret, or the path of a file that must be mounted. */
export type Variable =
  | { readonly value: pulumi.Input<string> }
  | { readonly secret: Bundle; readonly item: string }
  | { readonly file: string; readonly from: Bundle | "authorities" };

/** Those in the URLs of which Kubernetes puts them in place: `$(DATABASE_PASSWORD)`. The service does not read them. */
type Part = "DATABASE_PASSWORD" | "REDIS_PASSWORD" | "QUEUE_USER" | "QUEUE_PASSWORD";
export type VariableName = keyof ServiceConfig | Part;

/** In the order in which they are set: Kubernetes puts in only what stands before. */
export type Environment = Readonly<Partial<Record<VariableName, Variable>>>;

export function environment(args: EnvironmentArgs): Environment {
  const { component, platform } = args;
  const common = { SKYKV_CLOUD: value(platform.cloud), ROLE: value(component), ...database(args) };
  if (component === "migration") return { ...common, ...grants(platform) };
  return {
    ...common,
    HOST: value("0.0.0.0"),
    METRICS_PORT: value(`${ports.metrics}`),
    ...cache(args),
    ...queue(platform.queue),
    ...blobs(platform.blobs),
    ...peers(args),
    ...(component === "api" && api(args)),
  };
}

function api({ tls, memory }: EnvironmentArgs): Environment {
  return {
    PORT: value(`${apiPort(tls)}`),
    SKYKV_ADMIN_KEY_FILE: file("admin-key", "key"),
    L1_BYTES: value(`${cacheBytes(memory)}`),
    ...(tls !== null && {
      TLS_CERT_FILE: file("server-tls", "certificate"),
      TLS_KEY_FILE: file("server-tls", "key"),
    }),
    ...(tls === "edge" && { TLS_CLIENT_CA_FILE: authority("origin-pull") }),
  };
}

/** The service speaks HTTP where it has no certificate, then on the port that clients expect HTTP on. */
export function apiPort(tls: EnvironmentArgs["tls"]): number {
  return tls === null ? 8080 : ports.api;
}

function database({ component, platform }: EnvironmentArgs): Environment {
  const { host, port, name, ca, login } = platform.database;
  const user = platform.identities[component].databaseUser;
  // Outside of the cluster itself the server's name is checked, not its certificate alone.
  const tls = platform.cloud === "local" ? "disable" : "verify-full";
  return {
    ...(login === "password" && { DATABASE_PASSWORD: secret("database", "password") }),
    DATABASE_URL: value(
      pulumi.interpolate`postgres://${credentials(user, login, "DATABASE_PASSWORD")}@${host}:${port}/${name}?sslmode=${tls}`,
    ),
    DATABASE_LOGIN: value(login),
    ...(ca !== null && { DATABASE_CA_FILE: authority("database") }),
  };
}

/** The users of the other components, for which the migration opens its tables, and by whom it makes them. */
function grants({ identities, secrets }: WorkloadPlatform): Environment {
  const users = pulumi
    .all([identities.migration, identities.api, identities.replicator].map((identity) => identity.databaseUser))
    .apply(([own, ...others]) => [...new Set(others)].filter((user) => user !== own).join(","));
  return {
    DATABASE_USERS: value(users),
    ...("database-admin-password" in secrets.keys && {
      DATABASE_ADMIN_USER: secret("database-admin", "user"),
      DATABASE_ADMIN_PASSWORD_FILE: file("database-admin", "password"),
    }),
  };
}

function cache({ component, platform }: EnvironmentArgs): Environment {
  const { host, port, cluster, tls, ca, login } = platform.cache;
  const scheme = `redis${tls ? "s" : ""}${cluster ? "+cluster" : ""}`;
  const user = platform.identities[component].cacheUser;
  return {
    ...(login === "password" && { REDIS_PASSWORD: secret("cache", "password") }),
    REDIS_URL: value(pulumi.interpolate`${scheme}://${credentials(user, login, "REDIS_PASSWORD")}@${host}:${port}`),
    REDIS_LOGIN: value(login),
    ...(ca !== null && { REDIS_CA_FILE: authority("cache") }),
  };
}

/** Names of users may hold an `@`, such as those of Google's service accounts. */
function credentials(user: pulumi.Input<string>, login: Login, password: Part): pulumi.Output<string> {
  return pulumi
    .output(user)
    .apply((name) => `${encodeURIComponent(name)}${login === "password" ? `:$(${password})` : ""}`);
}

function queue(queue: Queue): Environment {
  switch (queue.kind) {
    case "postgres":
      return {};
    case "sqs":
      return { QUEUE_URL: value(pulumi.interpolate`sqs+${queue.url}`) };
    case "pubsub":
      return { QUEUE_URL: value(pulumi.interpolate`pubsub:${queue.topic}?subscription=${queue.subscription}`) };
    case "servicebus":
      return {
        QUEUE_URL: value(pulumi.interpolate`servicebus://${queue.namespace}.servicebus.windows.net/${queue.queue}`),
      };
    case "rabbitmq":
      return {
        QUEUE_USER: secret("queue", "user"),
        QUEUE_PASSWORD: secret("queue", "password"),
        QUEUE_URL: value(
          pulumi.interpolate`amqp${queue.tls ? "s" : ""}://$(QUEUE_USER):$(QUEUE_PASSWORD)@${queue.host}:${queue.port}`,
        ),
      };
  }
}

/** Where the volume is in a container; the image has the folder. */
export const volumeFolder = "/var/lib/skykv";

function blobs(blobs: Blobs): Environment {
  switch (blobs.kind) {
    case "s3":
      return { BLOBS_URL: value(pulumi.interpolate`s3://${blobs.bucket}?region=${blobs.region}`) };
    case "gcs":
      return { BLOBS_URL: value(pulumi.interpolate`gs://${blobs.bucket}`) };
    case "azure":
      return {
        BLOBS_URL: value(pulumi.interpolate`https://${blobs.account}.blob.core.windows.net/${blobs.container}`),
      };
    case "volume":
      return { BLOBS_DIR: value(volumeFolder) };
  }
}

function peers({ component, peers, tls }: EnvironmentArgs): Environment {
  // A cloud by itself opens no such port, and refuses certificates for it.
  if (tls === null || Object.keys(peers).length === 0) return {};
  const urls = Object.entries(peers).map(([cloud, url]) => `${cloud}=${url}`);
  return {
    PEERS: value(urls.join(",")),
    ...(component === "api" && { PEER_PORT: value(`${ports.peers}`) }),
    PEER_TLS_CERT_FILE: file("peer-tls", "certificate"),
    PEER_TLS_KEY_FILE: file("peer-tls", "key"),
    PEER_TLS_CA_FILE: authority("peers"),
  };
}

/** An eighth of the memory for the process's own cache: Node, requests under way and large batches need the rest. */
export function cacheBytes(memory: string): number {
  const [, amount, unit] = /^(\d+)(Mi|Gi)$/.exec(memory)!;
  return (Number(amount) * (unit === "Gi" ? 2 ** 30 : 2 ** 20)) / 8;
}

function value(value: pulumi.Input<string>): Variable {
  return { value };
}

function secret<B extends Bundle>(bundle: B, item: Item<B>): Variable {
  return { secret: bundle, item };
}

function file<B extends Bundle>(bundle: B, item: Item<B>): Variable {
  return { file: `${bundleFolder(bundle)}/${item}`, from: bundle };
}

function authority(name: AuthorityName): Variable {
  return { file: `${authoritiesFolder}/${name}.pem`, from: "authorities" };
}
