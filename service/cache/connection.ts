import { isIP } from "node:net";
import { type ConnectionOptions, checkServerIdentity } from "node:tls";
import { Cluster, Redis, type RedisOptions } from "ioredis";
import { Connector } from "./connector.ts";

/** Where a shared cache is, as its URL says. */
export type RedisAddress = {
  readonly hosts: readonly RedisHost[];
  /** Whether keys are spread over masters that the hosts name. */
  readonly cluster: boolean;
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly database: number;
};

export type RedisHost = { readonly host: string; readonly port: number };

const urlForm = /^(rediss?)(\+cluster)?:\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/(\d{1,4})?)?$/;
const hostForm = /^(?:\[([0-9a-fA-F:.]+)\]|([^:,[\]]+))(?::(\d{1,5}))?$/;

/**
 * The address in a URL:
 * - `redis://[user:password@]host[:port][/database]`: one server, or a primary with replicas behind one name
 * - `redis+cluster://[user:password@]host[:port][,host[:port]…]`: cluster mode; any of its nodes, which name the others
 * - `rediss://` and `rediss+cluster://`: the same over TLS
 *
 * User and password are percent-encoded. Throws an error that repeats neither.
 */
export function parseRedisUrl(url: string): RedisAddress {
  const [, scheme, cluster, credentials = "", hosts, database] = urlForm.exec(url) ?? [];
  if (hosts === undefined || (cluster && database)) {
    throw new Error(
      "The URL of the shared cache must look like redis://user:password@host:6379/0 or " +
        "redis+cluster://user:password@host:6379,host:6379 (rediss for TLS).",
    );
  }
  const colon = credentials.indexOf(":");
  const username = decode(colon < 0 ? credentials : credentials.slice(0, colon));
  const password = decode(colon < 0 ? "" : credentials.slice(colon + 1));
  return {
    hosts: (cluster ? hosts.split(",") : [hosts]).map(parseHost),
    cluster: cluster !== undefined,
    tls: scheme === "rediss",
    ...(username && { username }),
    ...(password && { password }),
    database: Number(database ?? 0),
  };
}

function parseHost(text: string): RedisHost {
  const [, ipv6, name, port = "6379"] = hostForm.exec(text) ?? [];
  const host = ipv6 ?? name;
  if (host === undefined || Number(port) < 1 || Number(port) > 65535) {
    throw new Error(`The URL of the shared cache names the host "${text}"; expected name:port, with port 1 to 65535.`);
  }
  return { host, port: Number(port) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error("User and password in the URL of the shared cache must be percent-encoded; write % as %25.");
  }
}

/** A client that connects by itself, again and again, and rejects what it is asked while it is not connected. */
export function openClient(address: RedisAddress): Redis | Cluster {
  if (!address.cluster) {
    return new Redis({
      ...shared(address),
      ...address.hosts[0],
      db: address.database,
      enableOfflineQueue: false,
      retryStrategy: backOff,
      // A primary that was demoted: the name leads to the new one.
      reconnectOnError: (error) => error.message.startsWith("READONLY"),
    });
  }
  return new Cluster([...address.hosts], {
    redisOptions: shared(address),
    enableOfflineQueue: false,
    clusterRetryStrategy: backOff,
    // Names stay names, so that certificates can be checked against them.
    dnsLookup: (name, callback) => callback(null, name),
    slotsRefreshInterval: 5000,
    maxRedirections: 4,
  });
}

/** A single connection to one host, for publish/subscribe: it does not come back when it ends. */
export function openPlain(address: RedisAddress, host: RedisHost): Redis {
  return new Redis({
    ...shared(address),
    ...host,
    db: address.database,
    enableOfflineQueue: false,
    autoResubscribe: false,
    retryStrategy: null,
  });
}

function shared(address: RedisAddress) {
  const { username, password } = address;
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(address.tls && { tls: tlsOptions(address) }),
    Connector,
    // All in milliseconds.
    connectTimeout: 2000,
    // A server that owes an answer and sends nothing for so long is given up with all that it was asked. This also
    // frees what waits for a hung server in memory, and ends handshakes that `connectTimeout` does not cover.
    socketTimeout: 1000,
    disconnectTimeout: 200,
    // With 0 what was asked fails when the connection does. With 1 and no resending it would never be settled at all.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
  } satisfies RedisOptions;
}

/** Nodes of a cluster are often reached by other names, or addresses, than the certificate of the cluster has. */
function tlsOptions({ hosts, cluster }: RedisAddress): ConnectionOptions {
  const name = hosts[0]!.host;
  if (!cluster || isIP(name)) return {};
  return {
    checkServerIdentity: (host, certificate) =>
      checkServerIdentity(host, certificate) && checkServerIdentity(name, certificate),
  };
}

/** Milliseconds until the next attempt to connect: doubling to a second, so that recovery is not slower than that. */
export function backOff(attempts: number): number {
  return Math.min(50 * 2 ** (attempts - 1), 1000) * (0.75 + Math.random() / 4);
}
